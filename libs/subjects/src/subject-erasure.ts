import { Injectable, Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ActorId, readerOf, type TenantId } from '#lib/core';
import { Documents, type Follower, type StoredEvent } from '#lib/ports';
import { TemplateErased } from '#lib/templates/contract';
import { AdvanceSubjectErasure } from './advance-subject-erasure.js';
import { SubjectErasureBegun } from './subject.stream.js';

const actor = ActorId.parse('subject-erasure');
/** So many events may come again after a start; they change nothing. */
const unstoredMax = 1_000;

const read = readerOf([SubjectErasureBegun, TemplateErased]);

/**
 * Takes the erasure of a subject from fact to fact, from the one that it was begun to the one that it is done. It
 * follows the log and keeps its place there; whoever cannot be taken further now is left to the sweep, so that nobody else
 * waits for them, and no crash and no lost job lets anyone be forgotten. For the worker only.
 */
@Injectable()
export class SubjectErasure implements Follower {
  readonly name = 'subject-erasure';
  private readonly positions = new Map<TenantId, number>();
  private readonly stored = new Map<TenantId, number>();
  private readonly log = new Logger(SubjectErasure.name);

  constructor(
    private readonly documents: Documents,
    private readonly commands: CommandBus,
  ) {}

  async position(tenant: TenantId): Promise<number> {
    const known = this.positions.get(tenant);
    if (known !== undefined) return known;
    const stored = await this.documents.position(tenant, this.name);
    this.positions.set(tenant, stored);
    this.stored.set(tenant, stored);
    return stored;
  }

  async take(events: readonly StoredEvent[]): Promise<void> {
    const last = events.at(-1);
    if (!last) return;
    const { tenant, sequence } = last;
    const position = await this.position(tenant);
    if (sequence <= position) return;
    const facts = events.filter((event) => event.sequence > position).flatMap((event) => read(event) ?? []);
    const subjects = new Set(facts.map(({ data }) => data.subjectId));
    for (const subjectId of subjects) {
      const command = new AdvanceSubjectErasure({ tenant, actor }, subjectId, sequence);
      await this.commands.execute(command).catch(() => this.log.error(`subject ${subjectId} is left to the sweep`));
    }
    if (subjects.size > 0 || sequence - (this.stored.get(tenant) ?? 0) >= unstoredMax) {
      await this.documents.write(tenant, { collection: this.name, puts: [], removes: [], position: sequence });
      this.stored.set(tenant, sequence);
    }
    this.positions.set(tenant, sequence);
  }

  reread(): void {
    this.positions.clear();
    this.stored.clear();
  }
}
