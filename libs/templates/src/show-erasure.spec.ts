import { ConsentGiven, ConsentRenewed, ConsentStream, ConsentWithdrawn } from '#lib/consent/contract';
import { type DatedFact, stateOf } from '#lib/core';
import { consentId, otherConsentId, subjectId, terms } from '../../../test/support/consent.js';
import { purposeId } from '../../../test/support/policy.js';
import { templateId, templateTerms } from '../../../test/support/templates.js';
import { erasureOf } from './show-erasure.js';
import { type Template, TemplateEnrolled, TemplateErasureBegun, TemplateStream } from './template.stream.js';

const [givenAt, withdrawnAt, begunAt] = [
  '2026-06-01T00:00:00.000Z',
  '2026-06-02T00:00:00.000Z',
  '2026-06-02T00:00:01.000Z',
];
const of = { subjectId, purposeId };
const enrolled = { ...TemplateEnrolled(templateTerms), at: givenAt };
const given = { ...ConsentGiven({ ...terms, consentId }), at: givenAt };
const renewed = { ...ConsentRenewed({ ...terms, consentId: otherConsentId, replaces: consentId }), at: givenAt };
const anew = { ...ConsentGiven({ ...terms, consentId: otherConsentId }), at: begunAt };
const withdrawn = (id: string = consentId) => ({
  ...ConsentWithdrawn({ ...of, consentId: id, channel: 'counter' }),
  at: withdrawnAt,
});
const begun = { ...TemplateErasureBegun({ ...of, templateId, trigger: 'requested' }), at: begunAt };

const erasureAfter = (consents: readonly DatedFact[], templates: readonly DatedFact[] = [enrolled]) => {
  const [template] = stateOf(TemplateStream, templates);
  return erasureOf(template as Template, stateOf(ConsentStream, consents));
};

describe('the erasure of a template', () => {
  it.each([
    ['is none while its consent stands', [given]],
    ['is none while a consent that renewed it stands', [given, renewed]],
  ])('%s', (_, consents) => {
    expect(erasureAfter(consents)).toBeUndefined();
  });

  it.each([
    ['there from the withdrawal on, before anyone began it', [given, withdrawn()]],
    ['there from the withdrawal of one that renewed it on', [given, renewed, withdrawn(otherConsentId)]],
    ['not taken back by a consent that is given anew', [given, withdrawn(), anew]],
  ])('is %s', (_, consents) => {
    expect(erasureAfter(consents)).toMatchObject({ trigger: 'consent-withdrawn', blockedAt: withdrawnAt, steps: [] });
  });

  it('is as it was begun, once it was', () => {
    const erasure = erasureAfter([given, withdrawn()], [enrolled, begun]);
    expect(erasure).toMatchObject({ state: 'erasing', trigger: 'requested', blockedAt: begunAt });
  });
});
