import { SubjectId } from '#lib/core';
import type { Subject } from '#lib/subjects/contract';
import { BeginSession, beginSession } from './begin-session.js';
import { hashOf, parseCredential } from './credential.js';
import { type Link, LinkId, LinkUsed } from './link.stream.js';

const linkId = LinkId.parse('5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f');
const subjectId = SubjectId.parse('6f1b0b0e-3c6a-4d52-9d0e-0b5f7f0c1a02');
const secret = 's'.repeat(43);
const issue = { at: '2026-06-01T00:00:00.000Z', hash: hashOf(secret), expiresAt: '2026-06-01T00:15:00.000Z' };
const issued: Link = { status: 'issued', subjectId, issue };
const hash = 'b'.repeat(64);
const used = LinkUsed({ linkId, subjectId, hash, expiresAt: '2026-06-01T00:40:00.000Z' });

const begin = ({ link = issued as Link, shown = secret, now = '2026-06-01T00:10:00Z', status = 'registered' } = {}) => {
  const code = parseCredential(`lethe-link_here_${linkId}_${shown}`);
  if (!code) throw new Error('no code');
  return beginSession(link, new BeginSession(code, hash), new Date(now), { status: status as Subject['status'] });
};

describe('begin session', () => {
  it('uses the link up, and ends half an hour later', () => {
    expect(begin()).toEqual([used]);
  });

  it.each([
    ['was never issued', { link: { status: 'none' } as Link }],
    ['was used', { link: { ...issued, status: 'used', session: { hash, expiresAt: issue.expiresAt } } as Link }],
    ['has another secret', { shown: 't'.repeat(43) }],
    ['is over', { now: '2026-06-01T00:15:00Z' }],
    ['is of a subject being erased', { status: 'erasing' }],
  ])('is refused with a code that %s', (_, given) => {
    expect(() => begin(given)).toThrow(expect.objectContaining({ code: 'access.code-invalid' }));
  });
});
