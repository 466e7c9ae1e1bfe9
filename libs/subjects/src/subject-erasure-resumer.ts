import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ActorId, SubjectId, type TenantId } from '#lib/core';
import { Clock, Documents, EventStore } from '#lib/ports';
import type { SweepPart } from '#lib/retention/contract';
import { AdvanceSubjectErasure } from './advance-subject-erasure.js';
import { UnfinishedSubjectErasures } from './unfinished-subject-erasures.view.js';

const pageMax = 100;
const actor = ActorId.parse('subject-erasure');

/** Goes on with what was begun and has not ended, such as where a store could not be reached. Doing it again changes nothing. */
@Injectable()
export class SubjectErasureResumer implements SweepPart {
  readonly name = 'subjects';

  constructor(
    private readonly view: UnfinishedSubjectErasures,
    private readonly documents: Documents,
    private readonly store: EventStore,
    private readonly commands: CommandBus,
    private readonly clock: Clock,
  ) {}

  /** All are tried; then the first failure, if any, is thrown. Whoever waits for the erasure of templates is found again by a later sweep. */
  async sweep(tenant: TenantId, before: Date): Promise<void> {
    const head = await this.store.head(tenant);
    await this.view.reach(tenant, head, this.clock);
    let failure: unknown;
    for (let after: { readonly key: string; readonly id: string } | undefined; ; ) {
      const range = { from: '', below: before.toISOString(), limit: pageMax, ...(after && { after }) };
      const page = await this.documents.range<object>(tenant, this.view.name, range);
      for (const { id } of page) {
        const command = new AdvanceSubjectErasure({ tenant, actor }, SubjectId.parse(id), head);
        await this.commands.execute(command).catch((error: unknown) => {
          failure ??= error;
        });
      }
      after = page.at(-1);
      if (!after || page.length < pageMax) break;
    }
    if (failure) throw failure;
  }
}
