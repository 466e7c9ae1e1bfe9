import { z } from 'zod';
import { defineEvent, defineRefusals, defineStream, type EventOf, Label, Locale, Sha256, Slug, Text } from '#lib/core';

export const NoticeId = Slug.brand<'NoticeId'>();
export type NoticeId = z.output<typeof NoticeId>;

/** What a person is told before anything is processed: every item the law names, none empty (FRT-3, PIPL-2). */
export const NoticeText = z.strictObject({
  locale: Locale,
  title: Text,
  handler: Text,
  contact: Text,
  purpose: Text,
  method: Text,
  retention: Text,
  necessity: Text,
  rightsImpact: Text,
  howToExercise: Text,
  recipients: z.array(Label).max(100),
  body: Text,
  /** Whether those who consented to an earlier version must be asked again (FRT-4). */
  material: z.boolean(),
});
export type NoticeText = z.output<typeof NoticeText>;

/** Which text of a notice: 1, 2, 3 ... */
export const NoticeNumber = z.int().min(1).max(1_000_000);

export const NoticePublished = defineEvent({
  type: 'policy.notice-published',
  version: 1,
  data: NoticeText.extend({ noticeId: NoticeId, version: NoticeNumber, hash: Sha256 }),
});

export const refusals = defineRefusals('policy', {
  'notice-missing': ['missing', 'There is no such notice'],
  'notice-not-current': ['conflict', 'Another text must supersede the current version'],
});

export interface NoticeVersion {
  readonly version: number;
  readonly hash: string;
  readonly text: NoticeText;
  readonly publishedAt: string;
}

/** All versions of a notice, the current one last. */
export type Notice = readonly NoticeVersion[];

export const NoticeStream = defineStream({
  name: 'notice',
  events: [NoticePublished],
  initial: [] as Notice,
  evolve: (versions, { data }: EventOf<typeof NoticePublished>, at): Notice => {
    const { noticeId: _, version, hash, ...text } = data;
    return [...versions, { version, hash, text, publishedAt: at }];
  },
});

/** Whether what `version` said still holds: no material version came after it. */
export const noticeStands = (notice: Notice, version: number): boolean =>
  notice.some((each) => each.version === version) &&
  !notice.some((each) => each.version > version && each.text.material);
