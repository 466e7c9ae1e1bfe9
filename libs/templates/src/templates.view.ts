import { Injectable } from '@nestjs/common';
import { readerOf, type SubjectId } from '#lib/core';
import type { PurposeId } from '#lib/policy/contract';
import { type DocumentChange, Documents, DocumentView, type StoredEvent } from '#lib/ports';
import { type Template, TemplateStream } from './template.stream.js';

/** Which templates there are, and what became of them. There is no vector in it and never was. */
export interface ListedTemplate {
  readonly subjectId: SubjectId;
  readonly purposeId: PurposeId;
  readonly state: Template['state'];
}

const read = readerOf(TemplateStream.events);

/** Templates of each subject, in the order they were enrolled in. */
@Injectable()
export class TemplatesView extends DocumentView<ListedTemplate> {
  readonly name = 'templates';

  constructor(documents: Documents) {
    super(documents);
  }

  protected changes(stored: StoredEvent): readonly DocumentChange<ListedTemplate>[] {
    const event = read(stored);
    if (!event || event.type === 'template.erasure-step-done') return [];
    const { templateId, subjectId, purposeId } = event.data;
    const key = listKey(subjectId, stored.sequence);
    const state = stateAfter[event.type];
    return [
      {
        id: templateId,
        change: (before) => ({ key: before?.key ?? key, body: { subjectId, purposeId, state } }),
      },
    ];
  }
}

const stateAfter = {
  'template.enrolled': 'active',
  'template.erasure-begun': 'erasing',
  'template.erased': 'erased',
} as const;

/** The key a template has that was enrolled at this place in the log. */
export const listKey = (subjectId: string, sequence: number) => `${subjectId}-${String(sequence).padStart(15, '0')}`;
