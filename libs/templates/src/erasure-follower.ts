import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ConsentExpired, ConsentWithdrawn } from '#lib/consent/contract';
import { ActorId, readerOf, type TenantId } from '#lib/core';
import { Documents, type Follower, type StoredEvent } from '#lib/ports';
import { EraseWithoutConsent } from './erase-without-consent.js';
import { ErasureSaga } from './erasure-saga.js';
import { TemplateErasureBegun } from './template.stream.js';

const read = readerOf([ConsentWithdrawn, ConsentExpired, TemplateErasureBegun]);
const actor = ActorId.parse('erasure');

/** How much of the log may be looked through again after a stop, when nothing in it was for this follower. */
const unsavedMax = 1_000;

/**
 * Sets erasures off: a consent that ended begins those of its templates, and one that was begun is run. Its place in the
 * log is kept once the former are durable; the latter, if we stop in between, a sweep finds.
 */
@Injectable()
export class ErasureFollower implements Follower {
  readonly name = 'erasure';
  private readonly positions = new Map<TenantId, { taken: number; saved: number }>();

  constructor(
    private readonly documents: Documents,
    private readonly commands: CommandBus,
    private readonly saga: ErasureSaga,
  ) {}

  async position(tenant: TenantId): Promise<number> {
    const known = this.positions.get(tenant);
    if (known) return known.taken;
    const saved = await this.documents.position(tenant, this.name);
    this.positions.set(tenant, { taken: saved, saved });
    return saved;
  }

  async take(events: readonly StoredEvent[]): Promise<void> {
    const last = events.at(-1);
    if (!last) return;
    const { tenant } = last;
    const position = await this.position(tenant);
    const fresh = events.filter(({ sequence }) => sequence > position);
    const reactions = fresh.map((stored) => this.react(stored)).filter((reaction) => reaction !== undefined);
    await Promise.all(reactions);
    await this.moveTo(tenant, Math.max(position, last.sequence), reactions.length > 0);
  }

  reread(): void {
    this.positions.clear();
  }

  private react(stored: StoredEvent): Promise<unknown> | undefined {
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

  /** A place that nothing depends on is written down only now and then: most facts are matches. */
  private async moveTo(tenant: TenantId, taken: number, isNeeded: boolean): Promise<void> {
    const saved = this.positions.get(tenant)?.saved ?? 0;
    const isSaved = isNeeded || taken - saved >= unsavedMax;
    if (isSaved) {
      await this.documents.write(tenant, { collection: this.name, puts: [], removes: [], position: taken });
    }
    this.positions.set(tenant, { taken, saved: isSaved ? taken : saved });
  }
}
