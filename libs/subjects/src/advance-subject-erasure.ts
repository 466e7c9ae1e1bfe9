import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Caller, SubjectId, TenantId } from '#lib/core';
import { PersonalData } from '#lib/keys/contract';
import { Clock, Documents, type StoredDocument, Streams } from '#lib/ports';
import { BeginErasure, type ListedTemplate, TemplateId, TemplatesView } from '#lib/templates/contract';
import { ReferenceIndex } from './reference-index.js';
import { type Subject, SubjectErased, SubjectStream } from './subject.stream.js';

const pageMax = 200;

/** Does what can be done now towards the end of a subject's erasure. It may stop anywhere, and is done again. */
export class AdvanceSubjectErasure extends Command<void> {
  constructor(
    readonly caller: Caller,
    readonly subjectId: SubjectId,
    /** The log position that is known to say something new about the subject or a template of theirs. */
    readonly position: number,
  ) {
    super();
  }
}

/** What an erasure still needs: templates to begin with, and whether it waits for any. */
export interface Remaining {
  readonly begin: readonly StoredDocument<ListedTemplate>[];
  readonly isLast: boolean;
}

/** Templates first: their erasure is proven one by one, and says who they were of. The subject's own key goes last. */
export function remaining(subject: Subject, templates: readonly StoredDocument<ListedTemplate>[]): Remaining {
  if (subject.status !== 'erasing') return { begin: [], isLast: false };
  return {
    begin: templates.filter(({ body }) => body.state === 'active'),
    isLast: templates.every(({ body }) => body.state === 'erased'),
  };
}

@CommandHandler(AdvanceSubjectErasure)
export class AdvanceSubjectErasureHandler implements ICommandHandler<AdvanceSubjectErasure> {
  constructor(
    private readonly streams: Streams,
    private readonly view: TemplatesView,
    private readonly documents: Documents,
    private readonly references: ReferenceIndex,
    private readonly personal: PersonalData,
    private readonly commands: CommandBus,
    private readonly clock: Clock,
  ) {}

  async execute({ caller, subjectId, position }: AdvanceSubjectErasure): Promise<void> {
    const { tenant } = caller;
    const { state: subject, position: begunAt } = await this.streams.load(tenant, SubjectStream, subjectId);
    if (subject.status !== 'erasing') return;
    // Enrolments rely on the subject's stream, so that none comes after the erasure was begun: the view knows them all.
    await this.view.reach(tenant, Math.max(position, begunAt), this.clock);
    const { begin, isLast } = remaining(subject, await this.templatesOf(tenant, subjectId));
    for (const { id, body } of begin) {
      const templateId = TemplateId.parse(id);
      await this.commands.execute(new BeginErasure(caller, subjectId, body.purposeId, templateId, 'subject-erased'));
    }
    if (isLast) await this.finish(caller, subjectId, subject);
  }

  /** In this order: the key opens the reference that is to be removed, and the fact says that both are gone. */
  private async finish(caller: Caller, subjectId: SubjectId, subject: Subject): Promise<void> {
    await this.references.release(caller.tenant, subjectId, subject);
    await this.personal.erase(caller.tenant, subjectId);
    await this.streams.change(caller, SubjectStream, subjectId, ({ status }) =>
      status === 'erasing' ? [SubjectErased({ subjectId })] : [],
    );
  }

  private async templatesOf(tenant: TenantId, subjectId: SubjectId) {
    const templates: StoredDocument<ListedTemplate>[] = [];
    for (;;) {
      const after = templates.at(-1);
      const range = { from: `${subjectId}-`, below: `${subjectId}-~`, limit: pageMax };
      const page = await this.documents.range<ListedTemplate>(
        tenant,
        this.view.name,
        after ? { ...range, after: { key: after.key, id: after.id } } : range,
      );
      templates.push(...page);
      if (page.length < pageMax) return templates;
    }
  }
}
