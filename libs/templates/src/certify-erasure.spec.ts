import { stateOf, TenantId } from '#lib/core';
import { subjectId } from '../../../test/support/consent.js';
import { purposeId } from '../../../test/support/policy.js';
import { templateId, templateTerms } from '../../../test/support/templates.js';
import { claimsOf } from './certify-erasure.js';
import type { Erasure } from './show-erasure.js';
import {
  TemplateEnrolled,
  TemplateErased,
  TemplateErasureBegun,
  TemplateErasureStepDone,
  TemplateStream,
} from './template.stream.js';

const of = { subjectId, purposeId, templateId };
const past = [
  { ...TemplateEnrolled(templateTerms), at: '2026-06-01T00:00:00.000Z' },
  { ...TemplateErasureBegun({ ...of, trigger: 'requested' }), at: '2026-06-02T00:00:00.000Z' },
  {
    ...TemplateErasureStepDone({ ...of, step: 'destroy-key', store: 'key-table', outcome: 'done' }),
    at: '2026-06-02T00:00:01.000Z',
  },
  { ...TemplateErased({ ...of, trigger: 'requested', generation: 3 }), at: '2026-06-02T00:00:02.000Z' },
];
const erasureAfter = (facts: typeof past) => stateOf(TemplateStream, facts)[0] as Erasure;
const here = TenantId.parse('here');

describe('a certificate of erasure', () => {
  it('says until when copies of the key may matter', () => {
    const claims = claimsOf(here, erasureAfter(past), undefined);
    expect(claims).toMatchObject({
      ...of,
      tenant: 'here',
      blockedAt: '2026-06-02T00:00:00.000Z',
      erasedAt: '2026-06-02T00:00:02.000Z',
      effectiveErasureAt: null,
      effectiveErasureBy: '2026-06-03T00:00:02.000Z',
      keyGeneration: 3,
      evidence: [{ step: 'destroy-key', store: 'key-table', outcome: 'done', at: '2026-06-02T00:00:01.000Z' }],
    });
    expect(claims.remains.map(({ until }) => until)).toEqual([null, null, '2026-06-03T00:00:02.000Z']);
  });

  it('says when they became noise, once they did, and names them no more', () => {
    const claims = claimsOf(here, erasureAfter(past), '2026-06-02T12:00:00.000Z');
    expect(claims).toMatchObject({
      effectiveErasureAt: '2026-06-02T12:00:00.000Z',
      effectiveErasureBy: '2026-06-02T12:00:00.000Z',
    });
    expect(claims.remains).toHaveLength(2);
  });

  it('is not given before the end', () => {
    const code = 'templates.not-erased';
    expect(() => claimsOf(here, erasureAfter(past.slice(0, 3)), undefined)).toThrow(expect.objectContaining({ code }));
  });
});
