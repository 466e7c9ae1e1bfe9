import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { chance } from '../support/chance.js';
import type { Answered, Call, Client, Turn } from './client.js';
import { type Kind, type Operation, outcomeOf } from './history.js';
import { faceNumber, unlike, type Ward } from './ward.js';

export interface WorkloadPlan {
  readonly seed: number;
  /** Patients who are seen to at once. */
  readonly lanes: number;
  /** Pause of a lane between two calls, on average. */
  readonly thinkMs: number;
  /** How long a caller goes on asking who gets no answer. */
  readonly patienceMs: number;
  /** How long short consents last, at least and at most. */
  readonly shortMs: readonly [least: number, most: number];
}

/** Somebody went without an answer for so long that they gave up: what became of it is unknown, and their story ends. */
class GaveUp extends Error {}

/**
 * Patients who are registered, asked, enrolled, compared and forgotten, over HTTP, for as long as it runs. Seeded: the same
 * seed tells the same stories; how they interleave is the servers' doing. Every operation stands in the history of its ward.
 */
export class Workload {
  readonly histories = new Map<string, Operation[]>();
  private readonly random: () => number;
  private running: Promise<void>[] = [];
  private isOver = false;
  private gate: PromiseWithResolvers<void> | undefined;
  private underWay = 0;
  private born = 0;
  private probes = 0;
  private readonly calls = new Map<Operation, Call>();

  constructor(
    private readonly wards: readonly Ward[],
    private readonly client: Client,
    private readonly plan: WorkloadPlan,
  ) {
    this.random = chance(plan.seed);
    for (const { tenant } of wards) this.histories.set(tenant, []);
  }

  start(): void {
    this.running = Array.from({ length: this.plan.lanes }, () => this.lane());
  }

  /** Resolves when no try is under way; none begins until `resume`, and what had no answer yet stays unknown. */
  async pause(): Promise<void> {
    this.gate ??= Promise.withResolvers<void>();
    while (this.underWay > 0) await pause(20);
  }

  resume(): void {
    this.gate?.resolve();
    this.gate = undefined;
  }

  async end(): Promise<void> {
    this.isOver = true;
    this.resume();
    await Promise.all(this.running);
  }

  get operations(): readonly Operation[] {
    return [...this.histories.values()].flat();
  }

  /** The call that an operation is. */
  callOf(operation: Operation): Call | undefined {
    return this.calls.get(operation);
  }

  /**
   * A patient's whole life at one server, to the end of the erasure that their withdrawal begins: what is done there can be
   * done, by api and worker alike. @throws when it takes longer than `maxMs`, or something is answered that must not be
   */
  async probe(server: number, ward: Ward, maxMs: number): Promise<void> {
    const untilMs = this.client.nowMs() + maxMs;
    this.probes += 1;
    const patient = new Patient(
      ward,
      (said, call) => {
        const operation = this.noted(ward, { ...said, attempts: [] }, call);
        const patienceMs = untilMs - this.client.nowMs();
        return this.client.perform(operation, call, { patienceMs, server });
      },
      chance(this.plan.seed * 7_919 - this.probes),
    );
    const templateId = await patient.liveWhole();
    for (;;) {
      const asked = this.client.send(server, ward.get(`erasures/${templateId}`));
      const { body } = await asked.catch(() => ({ body: {} as Answered['body'] }));
      if (body.state === 'erased') return;
      if (this.client.nowMs() > untilMs) throw new GaveUp(`template ${templateId} is not erased`);
      await pause(100);
    }
  }

  /** Compares once more, at one server; for who wants to know whether somebody is blocked there. */
  async compare(server: number, ward: Ward, subjectId: string): Promise<Operation> {
    const id = randomUUID();
    const call = ward.verification(subjectId, faceNumber(1), id);
    const operation = this.noted(ward, { kind: 'verify', subjectId, id, attempts: [] }, call);
    return this.client.perform(operation, call, { patienceMs: 10_000, server });
  }

  private noted(ward: Ward, operation: Operation, call: Call): Operation {
    this.histories.get(ward.tenant)?.push(operation);
    this.calls.set(operation, call);
    return operation;
  }

  private async lane(): Promise<void> {
    while (!this.isOver) {
      const ward = this.wards[this.born % this.wards.length];
      if (!ward) return;
      this.born += 1;
      const patient = new Patient(ward, (...asked) => this.perform(ward, ...asked), chance(this.plan.seed + this.born));
      try {
        await patient.live(this.plan.shortMs);
      } catch (error) {
        if (!(error instanceof GaveUp)) throw error;
      }
    }
  }

  private async perform(ward: Ward, said: Omit<Operation, 'attempts'>, call: Call, isRepeatable = true) {
    await pause(this.plan.thinkMs * 2 * this.random());
    const operation: Operation = { ...said, attempts: [] };
    const turn: Turn = async (attempt) => {
      while (this.gate) await this.gate.promise;
      if (this.isOver) throw new GaveUp();
      if (operation.attempts.length === 0) this.noted(ward, operation, call);
      this.underWay += 1;
      return attempt().finally(() => {
        this.underWay -= 1;
      });
    };
    return this.client.perform(operation, call, { patienceMs: isRepeatable ? this.plan.patienceMs : 0, turn });
  }
}

type Perform = (said: Omit<Operation, 'attempts'>, call: Call, isRepeatable?: boolean) => Promise<Operation>;

class Patient {
  private readonly subjectId: string;
  private readonly face: Uint8Array;

  constructor(
    private readonly ward: Ward,
    private readonly perform: Perform,
    private readonly random: () => number,
  ) {
    this.subjectId = this.id();
    this.face = faceNumber(Math.floor(random() * 2 ** 31));
  }

  /** What can happen to a patient, some of it to each. */
  async live(shortMs: WorkloadPlan['shortMs']): Promise<void> {
    await this.must('register', this.subjectId, this.ward.registration(this.subjectId));
    if (this.often(0.15)) {
      const refusalId = this.id();
      await this.must('refuse', refusalId, this.ward.refusal(this.subjectId, refusalId));
    }
    if (this.often(0.25)) return this.shortly(shortMs);
    let consentId = await this.consent();
    await this.enrol();
    await this.verify(2);
    if (this.often(0.3)) {
      consentId = await this.consent(new Date(Date.now() + 250 * 86_400_000).toISOString());
      await this.verify(1);
    }
    if (this.often(0.3)) return;
    await this.withdraw(consentId);
    if (this.often(0.6)) return;
    consentId = await this.consent();
    await this.enrol();
    await this.verify(2);
    if (this.often(0.5)) await this.withdraw(consentId);
  }

  /** Accepted while the consent stands, and blocked after; answers the template that has to go. */
  async liveWhole(): Promise<string> {
    await this.must('register', this.subjectId, this.ward.registration(this.subjectId));
    const consentId = await this.consent();
    const templateId = await this.enrol();
    await this.compared(200);
    await this.must('withdraw', consentId, this.ward.withdrawal(consentId));
    await this.compared(403);
    return templateId;
  }

  private async compared(status: number): Promise<void> {
    const attempt = this.id();
    const call = this.ward.verification(this.subjectId, this.face, attempt);
    const { answer } = await this.perform(this.said('verify', attempt), call);
    if (answer?.status !== status) throw new GaveUp(`a comparison was answered ${answer?.status}, not ${status}`);
  }

  /** A consent that ends by itself: the template is due with it. */
  private async shortly([least, most]: readonly [number, number]): Promise<void> {
    const lastsMs = least + (most - least) * this.random();
    const validUntil = new Date(Date.now() + lastsMs).toISOString();
    const consentId = this.id();
    const call = this.ward.agreement(this.subjectId, consentId, validUntil);
    const given = await this.perform({ kind: 'consent', subjectId: this.subjectId, id: consentId, validUntil }, call);
    // It took so long that its time is over: what is refused for that is as it should be, and nothing is left to be done.
    if (given.answer?.status !== 201 && given.answer?.status !== 200) return;
    await this.enrol();
    for (let n = 0; n < 3; n++) {
      await this.verify(1);
      await pause((lastsMs / 3) * this.random());
    }
  }

  private async consent(validUntil?: string): Promise<string> {
    const consentId = this.id();
    await this.must('consent', consentId, this.ward.agreement(this.subjectId, consentId, validUntil));
    return consentId;
  }

  private async enrol(): Promise<string> {
    const templateId = this.id();
    const call = this.ward.enrolment(this.subjectId, templateId, this.face);
    if (!(await this.perform(this.said('enrol', templateId), call)).answer) throw new GaveUp();
    return templateId;
  }

  /** Some at once; half of them so that they can be repeated, some with another face. */
  private async verify(count: number): Promise<void> {
    const verifications = Array.from({ length: count }, () => {
      const attempt = this.id();
      const isRepeatable = this.often(0.5);
      const probe = this.often(0.15) ? unlike(this.face) : this.face;
      const call = this.ward.verification(this.subjectId, probe, isRepeatable ? attempt : undefined);
      return this.perform(this.said('verify', attempt), call, isRepeatable);
    });
    await Promise.all(verifications);
  }

  /** In the midst of comparisons; and more of them afterwards, none of which may accept. */
  private async withdraw(consentId: string): Promise<void> {
    const attempt = this.id();
    const call = this.ward.withdrawal(consentId, this.often(0.5) ? attempt : undefined);
    const withdrawal = this.must('withdraw', consentId, call);
    await Promise.all([withdrawal, this.verify(4)]);
    await this.verify(3);
  }

  private async must(kind: Kind, id: string, call: Call): Promise<void> {
    const outcome = outcomeOf(await this.perform(this.said(kind, id), call));
    if (outcome !== 'done') throw new GaveUp(`${kind} ${id} is ${outcome}`);
  }

  private said(kind: Kind, id: string) {
    return { kind, subjectId: this.subjectId, id };
  }

  private often(share: number): boolean {
    return this.random() < share;
  }

  /** A UUID that the seed knows. */
  private id(): string {
    const hex = Array.from({ length: 8 }, () =>
      Math.floor(this.random() * 65_536)
        .toString(16)
        .padStart(4, '0'),
    ).join('');
    return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
  }
}
