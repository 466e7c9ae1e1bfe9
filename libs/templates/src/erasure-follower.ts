import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ConsentExpired, ConsentWithdrawn } from '#lib/consent/contract';
import { ActorId, readerOf } from '#lib/core';
import { Documents, ReactingFollower, type StoredEvent } from '#lib/ports';
import { EraseWithoutConsent } from './erase-without-consent.js';
import { ErasureSaga } from './erasure-saga.js';
import { TemplateErasureBegun } from './template.stream.js';

const read = readerOf([ConsentWithdrawn, ConsentExpired, TemplateErasureBegun]);
const actor = ActorId.parse('erasure');

/**
 * Sets erasures off: a consent that ended begins those of its templates, and one that was begun is run. Its place in the
 * log is kept once the former are durable; the latter, if we stop in between, a sweep finds.
 */
@Injectable()
export class ErasureFollower extends ReactingFollower {
  readonly name = 'erasure';

  constructor(
    documents: Documents,
    private readonly commands: CommandBus,
    private readonly saga: ErasureSaga,
  ) {
    super(documents);
  }

  protected async react(fresh: readonly StoredEvent[]): Promise<boolean> {
    const reactions = fresh.map((stored) => this.reactTo(stored)).filter((reaction) => reaction !== undefined);
    await Promise.all(reactions);
    return reactions.length > 0;
  }

  private reactTo(stored: StoredEvent): Promise<unknown> | undefined {
    const event = read(stored);
    if (!event) return undefined;
    const { subjectId, purposeId } = event.data;
    if (event.type !== 'template.erasure-begun') {
      return this.commands.execute(new EraseWithoutConsent({ tenant: stored.tenant, actor }, subjectId, purposeId));
    }
    // Not waited for: one store that cannot be reached would hold up the erasure of everybody else's templates.
    void this.saga.run(stored.tenant, event.data);
    return Promise.resolve();
  }
}
