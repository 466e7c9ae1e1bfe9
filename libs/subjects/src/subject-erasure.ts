import { Injectable, Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ActorId, readerOf } from '#lib/core';
import { Documents, ReactingFollower, type StoredEvent } from '#lib/ports';
import { TemplateErased } from '#lib/templates/contract';
import { AdvanceSubjectErasure } from './advance-subject-erasure.js';
import { SubjectErasureBegun } from './subject.stream.js';

const actor = ActorId.parse('subject-erasure');
const read = readerOf([SubjectErasureBegun, TemplateErased]);

/**
 * Takes the erasure of a subject from fact to fact, from the one that it was begun to the one that it is done. It
 * follows the log and keeps its place there; whoever cannot be taken further now is left to the sweep, so that nobody else
 * waits for them, and no crash and no lost job lets anyone be forgotten. For the worker only.
 */
@Injectable()
export class SubjectErasure extends ReactingFollower {
  readonly name = 'subject-erasure';
  private readonly log = new Logger(SubjectErasure.name);

  constructor(
    documents: Documents,
    private readonly commands: CommandBus,
  ) {
    super(documents);
  }

  protected async react(fresh: readonly StoredEvent[], { tenant, sequence }: StoredEvent): Promise<boolean> {
    const facts = fresh.flatMap((event) => read(event) ?? []);
    const subjects = new Set(facts.map(({ data }) => data.subjectId));
    for (const subjectId of subjects) {
      const command = new AdvanceSubjectErasure({ tenant, actor }, subjectId, sequence);
      await this.commands.execute(command).catch(() => this.log.error(`subject ${subjectId} is left to the sweep`));
    }
    return subjects.size > 0;
  }
}
