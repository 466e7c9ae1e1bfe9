import { z } from 'zod';
import { defineEvent, defineRefusals, defineStream, type EventOf, Instant, Sha256, SubjectId, Uuid } from '#lib/core';

export const LinkId = Uuid.brand<'LinkId'>();
export type LinkId = z.output<typeof LinkId>;

/** A way in for a patient, good once and not for long. Of its code only the hash is stored. */
export const LinkIssued = defineEvent({
  type: 'access.link-issued',
  version: 1,
  data: z.strictObject({ linkId: LinkId, subjectId: SubjectId, hash: Sha256, expiresAt: Instant }),
});

/** The code was used, and became a session. Of the session's token only the hash is stored. */
export const LinkUsed = defineEvent({
  type: 'access.link-used',
  version: 1,
  data: z.strictObject({ linkId: LinkId, subjectId: SubjectId, hash: Sha256, expiresAt: Instant }),
});

export const refusals = defineRefusals('access', {
  'code-invalid': ['unauthenticated', 'The code is unknown, used or over: ask for another link'],
});

/** What a link was issued as: a repeat is answered with it even after its use. */
interface Issue {
  readonly at: string;
  readonly expiresAt: string;
  readonly hash: string;
}

export type Link =
  | { readonly status: 'none' }
  | { readonly status: 'issued'; readonly subjectId: SubjectId; readonly issue: Issue }
  | {
      readonly status: 'used';
      readonly subjectId: SubjectId;
      readonly issue: Issue;
      readonly session: { readonly hash: string; readonly expiresAt: string };
    };

/** One link: issued, and used once to begin a session. */
export const LinkStream = defineStream({
  name: 'link',
  events: [LinkIssued, LinkUsed],
  initial: { status: 'none' } as Link,
  evolve: (link, { type, data }: EventOf<typeof LinkIssued> | EventOf<typeof LinkUsed>, at): Link => {
    const { subjectId, hash, expiresAt } = data;
    if (type === 'access.link-issued') return { status: 'issued', subjectId, issue: { at, hash, expiresAt } };
    return link.status === 'none' ? link : { ...link, status: 'used', session: { hash, expiresAt } };
  },
});
