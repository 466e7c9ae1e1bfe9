import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ActorId, type TenantId } from '#lib/core';
import { Clock, Documents, type Job, Jobs, type StoredDocument } from '#lib/ports';
import { ErasureSaga } from '#lib/templates/contract';
import { DueView, type Kept } from './due.view.js';
import { EraseDue } from './erase-due.js';
import { inLanes } from './in-lanes.js';

const kind = 'erase-due';
const pageMax = 500;
const lanes = 32;
const actor = ActorId.parse('retention');

export interface DueErasures {
  readonly begun: number;
  readonly finished: number;
}

/** Erases what is due. The view says where to look; whether it is due, the streams say. */
@Injectable()
export class DueEraser {
  constructor(
    private readonly view: DueView,
    private readonly documents: Documents,
    private readonly commands: CommandBus,
    private readonly saga: ErasureSaga,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  /** Page by page, so that memory does not grow with what is due. One that fails is found again by the next sweep. */
  async eraseAll(tenant: TenantId, signal?: AbortSignal): Promise<DueErasures> {
    const sum = { begun: 0, finished: 0 };
    let failure: unknown;
    for await (const page of this.pages(tenant, '', this.after(0))) {
      const erased = inLanes(page, lanes, async ({ body }) => {
        const { begun, finished } = await this.erase(tenant, body);
        sum.begun += begun;
        sum.finished += finished;
      });
      await erased.catch((error: unknown) => {
        failure ??= error;
      });
      if (signal?.aborted) break;
    }
    if (failure) throw failure;
    return sum;
  }

  async erase(tenant: TenantId, { subjectId, purposeId }: Pick<Kept, 'subjectId' | 'purposeId'>): Promise<DueErasures> {
    const begun = await this.commands.execute(new EraseDue({ tenant, actor }, subjectId, purposeId));
    const ended = await Promise.all(begun.map((name) => this.saga.run(tenant, name)));
    return { begun: begun.length, finished: ended.filter((isFinished) => isFinished).length };
  }

  /** Does the jobs that `hint` asks for. */
  listen(): void {
    this.jobs.handle(kind, async ({ tenant, subject }: Job) => {
      const [document] = await this.documents.get<Kept>(tenant, this.view.name, [subject]);
      if (document) await this.erase(tenant, document.body);
    });
  }

  /**
   * Asks for a job for everything that comes due within `withinMs`, so that it goes to the second, and not with the next
   * sweep. What was asked for before is asked for again: whatever the queue lost it has again after this.
   * @throws JobsUnavailable where the queue is out of reach
   */
  async hint(tenant: TenantId, withinMs: number, signal?: AbortSignal): Promise<void> {
    const ask = ({ id, key }: StoredDocument) => this.jobs.schedule({ kind, tenant, subject: id }, new Date(key));
    for await (const page of this.pages(tenant, this.after(0), this.after(withinMs))) {
      const [first, ...others] = page;
      // Alone, because where the queue hangs each call takes a second.
      if (first) await ask(first);
      await inLanes(others, lanes, ask);
      if (signal?.aborted) break;
    }
  }

  private async *pages(tenant: TenantId, from: string, below: string): AsyncGenerator<readonly StoredDocument<Kept>[]> {
    for (let after: { readonly key: string; readonly id: string } | undefined; ; ) {
      const range = { from, below, limit: pageMax, ...(after && { after }) };
      const page = await this.documents.range<Kept>(tenant, this.view.name, range);
      yield page;
      const last = page.at(-1);
      if (!last || page.length < pageMax) return;
      after = { key: last.key, id: last.id };
    }
  }

  /** The first key that is later than all that are due so many milliseconds from now. */
  private after(ms: number): string {
    return new Date(this.clock.now().getTime() + ms + 1).toISOString();
  }
}
