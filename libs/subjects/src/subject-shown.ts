import { z } from 'zod';
import { Instant, SubjectId } from '#lib/core';
import { refusals, type Subject, SubjectKind } from './subject.stream.js';

export const SubjectParams = z.object({ subjectId: SubjectId });
export type SubjectParams = z.output<typeof SubjectParams>;

/** A subject as callers see it: by pseudonym. What identifies the person never leaves. */
export const SubjectShown = z
  .object({ subjectId: SubjectId, kind: SubjectKind, registeredAt: Instant })
  .meta({ id: 'Subject' });
export type SubjectShown = z.output<typeof SubjectShown>;

/** @throws Refusal `subjects.missing` for one never registered, being erased or erased: they all look the same */
export function show(subjectId: SubjectId, { status, kind, registeredAt }: Subject): SubjectShown {
  if (status !== 'registered' || !kind || !registeredAt) throw refusals.missing();
  return { subjectId, kind, registeredAt };
}
