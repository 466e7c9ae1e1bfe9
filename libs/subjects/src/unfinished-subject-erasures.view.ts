import { Injectable } from '@nestjs/common';
import { readerOf } from '#lib/core';
import { type DocumentChange, Documents, DocumentView, type StoredEvent } from '#lib/ports';
import { SubjectErased, SubjectErasureBegun } from './subject.stream.js';

const read = readerOf([SubjectErasureBegun, SubjectErased]);

/** Subjects whose erasure was begun and has not ended; the one that was begun first comes first. */
@Injectable()
export class UnfinishedSubjectErasures extends DocumentView<object> {
  readonly name = 'unfinished-subject-erasures';

  constructor(documents: Documents) {
    super(documents);
  }

  protected changes(stored: StoredEvent): readonly DocumentChange<object>[] {
    const event = read(stored);
    if (!event) return [];
    const begun = { key: stored.at, body: {} };
    return [{ id: event.data.subjectId, change: () => (event.type === 'subject.erased' ? undefined : begun) }];
  }
}
