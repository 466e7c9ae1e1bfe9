import { Injectable } from '@nestjs/common';
import { readerOf, type SubjectId } from '#lib/core';
import type { PurposeId } from '#lib/policy/contract';
import { type DocumentChange, Documents, DocumentView, type StoredEvent } from '#lib/ports';
import { TemplateErased, TemplateErasureBegun } from './template.stream.js';

export interface UnfinishedErasure {
  readonly subjectId: SubjectId;
  readonly purposeId: PurposeId;
}

const read = readerOf([TemplateErasureBegun, TemplateErased]);

/** Templates whose erasure was begun and has not ended, by template; the one that was begun first comes first. */
@Injectable()
export class UnfinishedErasures extends DocumentView<UnfinishedErasure> {
  readonly name = 'unfinished-erasures';

  constructor(documents: Documents) {
    super(documents);
  }

  protected changes(stored: StoredEvent): readonly DocumentChange<UnfinishedErasure>[] {
    const event = read(stored);
    if (!event) return [];
    const { templateId, subjectId, purposeId } = event.data;
    const begun = { key: stored.at, body: { subjectId, purposeId } };
    return [{ id: templateId, change: () => (event.type === 'template.erased' ? undefined : begun) }];
  }
}
