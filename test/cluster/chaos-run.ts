import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { chance } from '../support/chance.js';
import { Client } from './client.js';
import { Cluster } from './cluster.js';
import type { Fault } from './faults.js';
import { type Answers, answersOf, type Operation, outcomeOf } from './history.js';
import type { Finding } from './history-check.js';
import { blockedIn, Inspection, type Looked } from './inspection.js';
import { Pulse } from './pulse.js';
import { RebuiltViews } from './rebuilt-views.js';
import { Stores } from './stores.js';
import { Ward } from './ward.js';
import { Workload } from './workload.js';

/** What is promised while something is down; the machine's own slowness is allowed for, up to so much. */
const answerMaxMs = 1_000;
const slackMaxMs = 3_500;
const recoverMaxMs = 120_000;
const calmMs = 3_000;
const sampled = 5;

export interface ChaosPlan {
  readonly seed: number;
  readonly folder: string;
  readonly apis: number;
  readonly workers: number;
  readonly tenants: number;
  readonly lanes: number;
  /** How long a fault lasts, at least and at most. */
  readonly faultMs: readonly [least: number, most: number];
}

/** One fault, and what was seen of it. */
export interface Round extends Omit<Looked, 'findings'> {
  readonly fault: Fault;
  readonly lastedMs: number;
  readonly recoveredMs: number;
  readonly answers: Answers;
  /** A second, and as much as callers had to wait while all was well, or meanwhile for what needs nothing. */
  readonly limitMs: number;
  readonly operations: number;
  /** Processes of ours that ended by themselves, so far. */
  readonly deaths: number;
  /** Nothing, where all promises were kept. */
  readonly findings: readonly Finding[];
}

/** A cluster under load in which one thing after another breaks, and is looked at after each. */
export class Chaos {
  private constructor(
    private readonly plan: ChaosPlan,
    readonly cluster: Cluster,
    private readonly client: Client,
    private readonly wards: readonly Ward[],
    private readonly workload: Workload,
    private readonly pulse: Pulse,
    private readonly inspection: Inspection,
    private readonly random: () => number,
    private readonly closings: readonly (() => Promise<unknown>)[],
  ) {}

  static async start(plan: ChaosPlan): Promise<Chaos> {
    const { seed, folder, apis, workers, tenants, lanes } = plan;
    const random = chance(seed);
    const cluster = await Cluster.start({ folder, apis, workers, random });
    const closings = [() => cluster.end()];
    try {
      const client = new Client(cluster.urls, chance(seed + 1));
      const wards: Ward[] = [];
      for (let n = 0; n < tenants; n++) {
        wards.push(await Ward.open(client, `chaos-${n + 1}-${randomUUID().slice(0, 8)}`, cluster.adminKey));
      }
      const shortMs = [5_000, 20_000] as const;
      const workload = new Workload(wards, client, { seed, lanes, thinkMs: 120, patienceMs: 120_000, shortMs });
      const stores = await Stores.open(cluster.storesEnv);
      const rebuilt = await RebuiltViews.open();
      const pulse = new Pulse(client);
      closings.unshift(
        () => pulse.stop(),
        () => workload.end(),
        async () => client.close(),
        () => stores.close(),
        () => rebuilt.close(),
      );
      const inspection = new Inspection(stores, rebuilt, workload.histories);
      workload.start();
      return new Chaos(plan, cluster, client, wards, workload, pulse, inspection, random, closings);
    } catch (error) {
      for (const close of closings) await close().catch(() => undefined);
      throw error;
    }
  }

  async round(fault: Fault): Promise<Round> {
    await pause(calmMs);
    const [least, most] = this.plan.faultMs;
    const fromMs = this.client.nowMs();
    const calm = { fromMs: fromMs - calmMs, toMs: fromMs - calmMs / 10, limitMs: Number.POSITIVE_INFINITY };
    const calmWorstMs = answersOf(this.workload.operations, calm).worstMs;
    const lift = await fault.begin(this.cluster, this.random);
    await pause(least + (most - least) * this.random());
    const toMs = this.client.nowMs();
    await lift();
    const liftedMs = this.client.nowMs();
    const unrecovered = await this.recovered();
    const recoveredMs = this.client.nowMs() - liftedMs;
    await pause(calmMs);

    await this.workload.pause();
    const blocked = await this.unblocked();
    const repeated = await this.differingRepeats();
    const looked = await this.inspection.look();
    this.workload.resume();
    const slackMs = Math.max(calmWorstMs, this.pulse.worstMs(fromMs, toMs));
    const limitMs = answerMaxMs + Math.min(slackMaxMs, slackMs);
    const answers = answersOf(this.workload.operations, { fromMs, toMs, limitMs });
    const undocumented: Finding[] = answers.undocumented.map((what) => ({ rule: 'undocumented', what }));
    const findings = [...unrecovered, ...undocumented, ...blocked, ...repeated, ...looked.findings, ...lateIn(answers)];
    const operations = this.workload.operations.length;
    const deaths = this.cluster.children.reduce((sum, child) => sum + child.deaths, 0);
    return { ...looked, fault, lastedMs: toMs - fromMs, recoveredMs, answers, limitMs, operations, deaths, findings };
  }

  async end(): Promise<void> {
    for (const close of this.closings) await close();
  }

  /** By itself: every process says that it is ready, and at every api somebody can be enrolled, accepted, blocked and erased. */
  private async recovered(): Promise<Finding[]> {
    const ready = this.cluster.children.map((child) => child.ready(recoverMaxMs));
    const probes = this.cluster.apis.map((_, server) =>
      this.workload.probe(server, this.wards[server % this.wards.length] as Ward, recoverMaxMs),
    );
    const ended = await Promise.allSettled([...ready, ...probes]);
    return ended.flatMap((each) =>
      each.status === 'rejected' ? [{ rule: 'unrecovered' as const, what: String(each.reason) }] : [],
    );
  }

  /** Some of those who withdrew, asked for at every api. */
  private async unblocked(): Promise<Finding[]> {
    const findings: Finding[] = [];
    for (const ward of this.wards) {
      const blocked = this.some(blockedIn(this.workload.histories.get(ward.tenant) ?? []));
      for (const server of this.client.urls.keys()) {
        for (const subjectId of blocked) {
          const { answer } = await this.workload.compare(server, ward, subjectId);
          if (answer?.status === 403) continue;
          findings.push({ rule: 'unblocked', what: `${subjectId} at api ${server + 1}: ${answer?.status}` });
        }
      }
    }
    return findings;
  }

  /** Some of what was acknowledged, sent again: answered as then. */
  private async differingRepeats(): Promise<Finding[]> {
    const done = this.workload.operations.filter((each) => outcomeOf(each) === 'done');
    const matches = this.some(done.filter((each) => each.kind === 'verify' && this.isNamed(each)));
    const puts = this.some(done.filter(({ kind }) => ['register', 'consent', 'refuse'].includes(kind)));
    const findings: Finding[] = [];
    for (const operation of [...matches, ...puts]) {
      const call = this.workload.callOf(operation);
      if (!call) continue;
      const { kind, id, answer } = operation;
      const { status, body } = await this.client.ask(call, 10_000);
      const isSame = kind !== 'verify' || body.matchId === answer?.body.matchId;
      if (status !== 200 || !isSame) findings.push({ rule: 'repeat', what: `${kind} ${id}: ${status}` });
    }
    return findings;
  }

  private isNamed(operation: Operation): boolean {
    return this.workload.callOf(operation)?.headers?.['idempotency-key'] !== undefined;
  }

  private some<T>(list: readonly T[]): T[] {
    return Array.from({ length: Math.min(sampled, list.length) }, () => {
      return list[Math.floor(this.random() * list.length)] as T;
    });
  }
}

/** One finding for all that was late, so that it hides nothing else. */
function lateIn({ late, worstMs }: Answers): Finding[] {
  if (late.length === 0) return [];
  const statuses = new Map<string, number>();
  for (const { status } of late) {
    const said = String(status ?? 'no answer');
    statuses.set(said, (statuses.get(said) ?? 0) + 1);
  }
  const counted = [...statuses].map(([status, count]) => `${count} times ${status}`).join(', ');
  return [{ rule: 'late', what: `${late.length}, the slowest after ${Math.round(worstMs)} ms: ${counted}` }];
}
