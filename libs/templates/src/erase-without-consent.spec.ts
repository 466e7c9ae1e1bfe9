import { ConsentExpired, ConsentGiven, ConsentRenewed, ConsentStream, ConsentWithdrawn } from '#lib/consent/contract';
import { type DatedFact, stateOf } from '#lib/core';
import { consentId, otherConsentId, subjectId, terms } from '../../../test/support/consent.js';
import { purposeId } from '../../../test/support/policy.js';
import { otherTemplateId, templateId, templateTerms } from '../../../test/support/templates.js';
import { beginErasure } from './begin-erasure.js';
import { eraseWithoutConsent } from './erase-without-consent.js';
import { TemplateEnrolled, TemplateErasureBegun, TemplateId, TemplateStream } from './template.stream.js';

const at = '2026-06-01T00:00:00.000Z';
const of = { subjectId, purposeId };
const enrolled = { ...TemplateEnrolled(templateTerms), at };
const given = { ...ConsentGiven({ ...terms, consentId }), at };
const renewed = { ...ConsentRenewed({ ...terms, consentId: otherConsentId, replaces: consentId }), at };
const anew = { ...ConsentGiven({ ...terms, consentId: otherConsentId }), at };
const withdrawn = (id: string = consentId) => ({
  ...ConsentWithdrawn({ ...of, consentId: id, channel: 'counter' }),
  at,
});
const begun = (id: string, trigger: 'consent-withdrawn' | 'consent-expired' | 'requested') =>
  TemplateErasureBegun({ ...of, templateId: id, trigger });

const eraseAfter = (consents: readonly DatedFact[], templates: readonly DatedFact[] = [enrolled], now = at) =>
  eraseWithoutConsent(stateOf(TemplateStream, templates), stateOf(ConsentStream, consents), new Date(now));

describe('templates whose consent ended', () => {
  it.each([
    ['are kept while it stands', [given], []],
    ['are kept while one that renewed it stands', [given, renewed], []],
    ['are erased when it is withdrawn', [given, withdrawn()], [begun(templateId, 'consent-withdrawn')]],
    [
      'are erased when the renewed one is withdrawn',
      [given, renewed, withdrawn(otherConsentId)],
      [begun(templateId, 'consent-withdrawn')],
    ],
    [
      'are not saved by a consent that is given anew',
      [given, withdrawn(), anew],
      [begun(templateId, 'consent-withdrawn')],
    ],
    [
      'are erased when it is over',
      [given, { ...ConsentExpired({ ...of, consentId }), at }],
      [begun(templateId, 'consent-expired')],
    ],
  ])('%s', (_, consents, facts) => {
    expect(eraseAfter(consents)).toEqual(facts);
  });

  it('are erased when their time is over, whether anyone noticed or not', () => {
    expect(eraseAfter([given], [enrolled], '2027-05-01T00:00:00.000Z')).toEqual([begun(templateId, 'consent-expired')]);
  });

  it('are erased alone: what stands on a later consent stays', () => {
    const other = {
      ...TemplateEnrolled({ ...templateTerms, templateId: otherTemplateId, consentId: otherConsentId }),
      at,
    };
    expect(eraseAfter([given, withdrawn(), anew], [enrolled, other])).toEqual([begun(templateId, 'consent-withdrawn')]);
  });

  it('are erased once, whatever reason comes later', () => {
    const past = [enrolled, { ...begun(templateId, 'requested'), at }];
    expect(eraseAfter([given, withdrawn()], past)).toEqual([]);
    const templates = stateOf(TemplateStream, past);
    expect(beginErasure(templates, TemplateId.parse(templateId), 'max-days')).toEqual([]);
    expect(() => beginErasure(templates, TemplateId.parse(otherTemplateId), 'max-days')).toThrow(
      expect.objectContaining({ code: 'templates.missing' }),
    );
  });
});
