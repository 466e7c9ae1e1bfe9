import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { notice } from '../../../test/support/policy.js';
import { NoticePublished, NoticeText } from './notice.stream.js';
import { hashOf } from './notice-hash.js';

const sample = join(import.meta.dirname, 'events', 'policy.notice-published.v1.json');
const text = NoticeText.parse(notice);

describe('the hash of a notice', () => {
  it('is the one that another implementation made of the frozen sample', () => {
    const {
      noticeId: _id,
      version: _version,
      hash,
      ...frozen
    } = NoticePublished(JSON.parse(readFileSync(sample, 'utf8'))).data;
    expect(hashOf(frozen)).toBe(hash);
  });

  it('does not depend on the order of fields', () => {
    const reversed = Object.fromEntries(Object.entries(text).reverse()) as NoticeText;
    expect(hashOf(reversed)).toBe(hashOf(text));
  });

  it.each(Object.keys(notice))('changes with %s', (field) => {
    const others = new Map<string, unknown>([
      ['locale', 'en'],
      ['recipients', ['Insurer']],
      ['material', false],
    ]);
    const changed = NoticeText.parse({ ...notice, [field]: others.get(field) ?? 'other' });
    expect(hashOf(changed)).not.toBe(hashOf(text));
  });
});
