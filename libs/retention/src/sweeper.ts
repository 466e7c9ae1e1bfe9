import { Injectable, Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { type DueConsent, DueConsents, ExpireConsent } from '#lib/consent/contract';
import { ActorId, type TenantId } from '#lib/core';
import { StoredAnswers } from '#lib/idempotency/contract';
import { Generations } from '#lib/keys/contract';
import { Clock, EventStore } from '#lib/ports';
import { EnrolmentAttempts, ErasureResumer, UnfinishedErasures } from '#lib/templates/contract';
import { DueView } from './due.view.js';
import { DueEraser } from './due-eraser.js';
import { inLanes } from './in-lanes.js';
import { SweepParts } from './sweep-parts.js';

const pageMax = 500;
const lanes = 32;
const actor = ActorId.parse('sweeper');

/** What a sweep did, in numbers; `failed` names the parts that did not end well, and are done again by the next one. */
export interface Swept {
  readonly consentsExpired: number;
  readonly erasuresBegun: number;
  readonly erasuresFinished: number;
  readonly attemptsAbandoned: number;
  readonly answersForgotten: number;
  readonly generationsClosed: number;
  readonly failed: readonly string[];
}

type Counts = { -readonly [C in Exclude<keyof Swept, 'failed'>]: number };

type Part = [name: string, work: () => Promise<void>];

const nothing = (): Counts => ({
  consentsExpired: 0,
  erasuresBegun: 0,
  erasuresFinished: 0,
  attemptsAbandoned: 0,
  answersForgotten: 0,
  generationsClosed: 0,
});

/**
 * Finds whatever time or a crash left to be done, in the truth itself: retention is on time with every job lost (P8). Each
 * part may fail and is tried again by the next sweep; none keeps another from its work. Memory does not grow with the work.
 */
@Injectable()
export class Sweeper {
  private readonly log = new Logger(Sweeper.name);

  constructor(
    private readonly store: EventStore,
    private readonly dueView: DueView,
    private readonly dueConsents: DueConsents,
    private readonly unfinished: UnfinishedErasures,
    private readonly dueEraser: DueEraser,
    private readonly resumer: ErasureResumer,
    private readonly attempts: EnrolmentAttempts,
    private readonly answers: StoredAnswers,
    private readonly generations: Generations,
    private readonly others: SweepParts,
    private readonly commands: CommandBus,
    private readonly clock: Clock,
  ) {}

  /** Every tenant, one after another. Ends early, between two pages of work, when `signal` is aborted. */
  async sweepAll(signal?: AbortSignal): Promise<Swept> {
    const counts = nothing();
    const failed = new Set<string>();
    for (const tenant of await this.store.tenants()) {
      const { failed: parts, ...swept } = await this.sweep(tenant, signal);
      for (const part of parts) failed.add(part);
      for (const count of Object.keys(counts) as (keyof Counts)[]) counts[count] += swept[count];
    }
    return { ...counts, failed: [...failed] };
  }

  async sweep(tenant: TenantId, signal?: AbortSignal): Promise<Swept> {
    const counts = nothing();
    const failed: string[] = [];
    for (const [part, work] of this.parts(tenant, counts, signal)) {
      if (signal?.aborted) break;
      try {
        await work();
      } catch (error) {
        failed.push(part);
        this.log.error(`${part} failed: ${nameOf(error)}`);
      }
    }
    return { ...counts, failed };
  }

  /** In this order: a consent that ended makes templates due, and what is begun here need not be resumed. */
  private parts(tenant: TenantId, counts: Counts, signal?: AbortSignal): Part[] {
    const begunAt = this.clock.now();
    return [
      ['views', () => this.catchUp(tenant)],
      [
        'consents',
        async () => {
          counts.consentsExpired = await this.expireConsents(tenant, begunAt, signal);
        },
      ],
      [
        'due',
        async () => {
          const { begun, finished } = await this.dueEraser.eraseAll(tenant, signal);
          counts.erasuresBegun = begun;
          counts.erasuresFinished += finished;
        },
      ],
      [
        'erasures',
        async () => {
          counts.erasuresFinished += (await this.resumer.resume(tenant, begunAt)).finished;
        },
      ],
      ...this.others.all().map((part): Part => [part.name, () => part.sweep(tenant, begunAt)]),
      [
        'attempts',
        async () => {
          counts.attemptsAbandoned = await this.attempts.sweep(tenant);
        },
      ],
      [
        'answers',
        async () => {
          counts.answersForgotten = await this.answers.sweep(tenant, begunAt);
        },
      ],
      [
        'generations',
        async () => {
          counts.generationsClosed = (await this.generations.closeIfDue(tenant, this.clock.now())) ? 1 : 0;
        },
      ],
    ];
  }

  private async catchUp(tenant: TenantId): Promise<void> {
    const head = await this.store.head(tenant);
    const views = [this.dueView, this.dueConsents, this.unfinished];
    await Promise.all(views.map((view) => view.reach(tenant, head, this.clock)));
  }

  private async expireConsents(tenant: TenantId, now: Date, signal?: AbortSignal): Promise<number> {
    let expired = 0;
    for (let after: DueConsent | undefined; ; ) {
      const page: DueConsent[] = await this.dueConsents.dueConsents(tenant, now, pageMax, after);
      await inLanes(page, lanes, async (consent) => {
        const { recorded } = await this.commands.execute(new ExpireConsent({ tenant, actor }, consent));
        if (recorded) expired += 1;
      });
      after = page.at(-1);
      if (!after || page.length < pageMax || signal?.aborted) return expired;
    }
  }
}

/** What kind of error it was. Its text may hold anything, so it stays out of the log. */
const nameOf = (error: unknown): string =>
  error instanceof Object && 'name' in error ? String(error.name) : 'unknown';
