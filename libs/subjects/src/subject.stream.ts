import { z } from 'zod';
import { Base64, defineEvent, defineRefusals, defineStream, type EventOf, SubjectId } from '#lib/core';

/** Whose identity is checked: decides which policy pack applies. */
export const SubjectKind = z.enum(['patient']);
export type SubjectKind = z.output<typeof SubjectKind>;

/** A subject is known by a pseudonym. What identifies the person is sealed under the subject's own key. */
export const SubjectRegistered = defineEvent({
  type: 'subject.registered',
  version: 1,
  data: z.strictObject({ subjectId: SubjectId, kind: SubjectKind, sealed: Base64 }),
});

/**
 * From here on the subject is missing to everyone, and nothing more is recorded about them but how it ends: their
 * templates erased, their consents over when their time is, and at last they themselves.
 */
export const SubjectErasureBegun = defineEvent({
  type: 'subject.erasure-begun',
  version: 1,
  data: z.strictObject({ subjectId: SubjectId }),
});

/** Every template is erased and the subject's key destroyed: what was sealed under it is noise. */
export const SubjectErased = defineEvent({
  type: 'subject.erased',
  version: 1,
  data: z.strictObject({ subjectId: SubjectId }),
});

export const refusals = defineRefusals('subjects', {
  missing: ['missing', 'There is no such subject'],
  'id-taken': ['conflict', 'The id belongs to another registration'],
  'reference-taken': ['conflict', 'Another subject is registered under this external reference'],
  'born-later': ['invalid', 'The birth date is in the future'],
});

export interface Subject {
  readonly status: 'none' | 'registered' | 'erasing' | 'erased';
  readonly kind?: SubjectKind;
  readonly sealed?: string;
  readonly registeredAt?: string;
  readonly erasureBegunAt?: string;
}

type SubjectEvent =
  | EventOf<typeof SubjectRegistered>
  | EventOf<typeof SubjectErasureBegun>
  | EventOf<typeof SubjectErased>;

export const SubjectStream = defineStream({
  name: 'subject',
  events: [SubjectRegistered, SubjectErasureBegun, SubjectErased],
  initial: { status: 'none' } as Subject,
  evolve: (subject, { type, data }: SubjectEvent, at): Subject => {
    switch (type) {
      case 'subject.registered':
        return { status: 'registered', kind: data.kind, sealed: data.sealed, registeredAt: at };
      case 'subject.erasure-begun':
        return { ...subject, status: 'erasing', erasureBegunAt: at };
      case 'subject.erased':
        return { status: 'erased' };
    }
  },
});
