import { type DatedFact, stateOf } from '#lib/core';
import { notice, noticeId, officer } from '../../../test/support/policy.js';
import { NoticeId, NoticePublished, NoticeStream, NoticeText, noticeStands } from './notice.stream.js';
import { hashOf } from './notice-hash.js';
import { PublishNotice, publishNotice } from './publish-notice.js';
import { ShowNotice, showNotice } from './show-notice.js';

const id = NoticeId.parse(noticeId);
const at = '2026-05-01T00:00:00.000Z';
const first = NoticeText.parse(notice);
const second = NoticeText.parse({ ...notice, title: 'second', material: false });
const third = NoticeText.parse({ ...notice, title: 'third' });
const published = (version: number, text: NoticeText) =>
  NoticePublished({ noticeId: id, version, hash: hashOf(text), ...text });
const past = (...texts: NoticeText[]): DatedFact[] => texts.map((text, n) => ({ ...published(n + 1, text), at }));
const refusedAs = (code: string) => expect.objectContaining({ code });

const publishAfter = (facts: readonly DatedFact[], text: NoticeText, supersedes?: number) =>
  publishNotice(stateOf(NoticeStream, facts), new PublishNotice(officer, id, text, supersedes));

describe('publish notice', () => {
  it('records the first text as version 1, and another as the next', () => {
    expect(publishAfter([], first)).toEqual([published(1, first)]);
    expect(publishAfter(past(first), second, 1)).toEqual([published(2, second)]);
  });

  it('records nothing when the current text is repeated', () => {
    expect(publishAfter(past(first), first)).toEqual([]);
    expect(publishAfter(past(first, second), second, 1)).toEqual([]);
  });

  it('records nothing when an earlier publication comes again, late', () => {
    expect(publishAfter(past(first, second), first)).toEqual([]);
    expect(publishAfter(past(first, second, third), second, 1)).toEqual([]);
  });

  it.each([undefined, 1, 3])('is refused where version 2 is current and %s is superseded', (supersedes) => {
    expect(() => publishAfter(past(first, second), third, supersedes)).toThrow(refusedAs('policy.notice-not-current'));
  });

  it('is refused where there is nothing to supersede', () => {
    expect(() => publishAfter([], first, 1)).toThrow(refusedAs('policy.notice-not-current'));
  });

  it('may return to an earlier text, as a new version', () => {
    expect(publishAfter(past(first, second), first, 2)).toEqual([published(3, first)]);
  });
});

describe('a notice', () => {
  const versions = stateOf(NoticeStream, past(first, second, third));

  it('is shown in its current version, and in any other for ever', () => {
    expect(showNotice(versions, new ShowNotice(officer, id))).toMatchObject({ version: 3, text: third });
    expect(showNotice(versions, new ShowNotice(officer, id, 1))).toEqual({
      noticeId: id,
      version: 1,
      hash: hashOf(first),
      publishedAt: at,
      text: first,
      versions: [
        { version: 1, hash: hashOf(first), publishedAt: at, material: true },
        { version: 2, hash: hashOf(second), publishedAt: at, material: false },
        { version: 3, hash: hashOf(third), publishedAt: at, material: true },
      ],
    });
  });

  it('is missing where it, or that version of it, was never published', () => {
    const missing = refusedAs('policy.notice-missing');
    expect(() => showNotice([], new ShowNotice(officer, id))).toThrow(missing);
    expect(() => showNotice(versions, new ShowNotice(officer, id, 4))).toThrow(missing);
  });

  it('stands until a material version comes after it', () => {
    expect(noticeStands(versions.slice(0, 1), 1)).toBe(true);
    expect(noticeStands(versions.slice(0, 2), 1)).toBe(true);
    expect([1, 2, 3, 4].map((version) => noticeStands(versions, version))).toEqual([false, false, true, false]);
  });

  const texts = Object.keys(notice).filter((field) => !['recipients', 'material'].includes(field));
  const bad: [string, Record<string, unknown>][] = [
    ...Object.keys(notice).map((field): [string, Record<string, unknown>] => [`no ${field}`, { [field]: undefined }]),
    ...texts.map((field): [string, Record<string, unknown>] => [`an empty ${field}`, { [field]: '' }]),
    ...texts.map((field): [string, Record<string, unknown>] => [`a blank ${field}`, { [field]: ' ' }]),
    ['an unknown field', { extra: 1 }],
    ['an empty recipient', { recipients: [''] }],
    ['half a character', { body: 'half \ud800' }],
  ];
  it.each(bad)('may not have %s', (_, change) => {
    expect(NoticeText.safeParse({ ...notice, ...change }).success).toBe(false);
  });
});
