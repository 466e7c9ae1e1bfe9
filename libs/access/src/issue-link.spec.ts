import { ActorId, SubjectId, TenantId } from '#lib/core';
import type { Subject } from '#lib/subjects/contract';
import { IssueLink, issueLink } from './issue-link.js';
import { type Link, LinkId, LinkIssued } from './link.stream.js';

const linkId = LinkId.parse('5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f');
const subjectId = SubjectId.parse('6f1b0b0e-3c6a-4d52-9d0e-0b5f7f0c1a02');
const caller = { tenant: TenantId.parse('here'), actor: ActorId.parse('nurse') };
const hash = 'a'.repeat(64);
const now = new Date('2026-06-01T00:00:00Z');
const expiresAt = '2026-06-01T00:15:00.000Z';
const issued: Link = { status: 'issued', subjectId, issue: { at: now.toISOString(), hash, expiresAt } };

const issue = (link: Link, { ttlMinutes = 15, status = 'registered' as Subject['status'], later = 0 } = {}) =>
  issueLink(link, new IssueLink(caller, subjectId, linkId, hash, { ttlMinutes }), new Date(now.getTime() + later), {
    status,
  });
const refusedAs = (code: string) => expect.objectContaining({ code });

describe('issue link', () => {
  it('records the link by the hash of its code, and when it ends', () => {
    expect(issue({ status: 'none' })).toEqual([LinkIssued({ linkId, subjectId, hash, expiresAt })]);
  });

  it('records nothing for the same attempt again, be the link used meanwhile', () => {
    const used: Link = { ...issued, status: 'used', session: { hash, expiresAt } };
    for (const link of [issued, used]) expect(issue(link, { later: 5_000 })).toEqual([]);
  });

  it('is refused for the same attempt on other terms', () => {
    expect(() => issue(issued, { ttlMinutes: 16 })).toThrow(refusedAs('idempotency.key-reused'));
    const another = SubjectId.parse(linkId);
    expect(() => issue({ ...issued, subjectId: another })).toThrow(refusedAs('idempotency.key-reused'));
  });

  it.each(['none', 'erasing', 'erased'] as const)('is refused for a subject that is %s', (status) => {
    expect(() => issue({ status: 'none' }, { status })).toThrow(refusedAs('subjects.missing'));
  });
});
