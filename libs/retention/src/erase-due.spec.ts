import { ConsentGiven, ConsentStream, ConsentWithdrawn } from '#lib/consent/contract';
import { type DatedFact, stateOf } from '#lib/core';
import { TemplateEnrolled, TemplateErasureBegun, TemplateStream } from '#lib/templates/contract';
import { consentId, subjectId, terms } from '../../../test/support/consent.js';
import { purposeId } from '../../../test/support/policy.js';
import { otherTemplateId, templateId, templateTerms } from '../../../test/support/templates.js';
import { acceptsSince, eraseDue } from './erase-due.js';

const at = '2026-06-01T00:00:00.000Z';
const enrolled = { ...TemplateEnrolled(templateTerms), at };
const later = {
  ...TemplateEnrolled({ ...templateTerms, templateId: otherTemplateId }),
  at: '2026-09-01T00:00:00.000Z',
};
const given = { ...ConsentGiven({ ...terms, consentId }), at };
const of = { subjectId, purposeId };
const begun = (id: string, trigger: 'max-days' | 'inactivity' | 'consent-expired' | 'consent-withdrawn') =>
  TemplateErasureBegun({ ...of, templateId: id, trigger });

const eraseAt = (
  now: string,
  past: readonly DatedFact[] = [enrolled],
  accepted?: string,
  consents: readonly DatedFact[] = [given],
) => eraseDue(stateOf(TemplateStream, past), stateOf(ConsentStream, consents), accepted, new Date(now));

describe('erase what is due', () => {
  it.each([
    ['not before inactivity is over', '2026-11-27T23:59:59.999Z', undefined, []],
    ['when it is', '2026-11-28T00:00:00.000Z', undefined, [begun(templateId, 'inactivity')]],
    ['not where a comparison accepted since', '2026-11-28T00:00:00.000Z', '2026-06-02T00:00:00.000Z', []],
    [
      'when its consent is over',
      '2027-05-01T00:00:00.000Z',
      '2027-04-30T00:00:00.000Z',
      [begun(templateId, 'consent-expired')],
    ],
  ] as const)('%s', (_, now, accepted, facts) => {
    expect(eraseAt(now, [enrolled], accepted)).toEqual(facts);
  });

  it('erases of several templates those that are due, and none twice', () => {
    expect(eraseAt('2026-12-01T00:00:00.000Z', [enrolled, later])).toEqual([begun(templateId, 'inactivity')]);
    const erasing = { ...begun(templateId, 'inactivity'), at };
    expect(eraseAt('2027-12-01T00:00:00.000Z', [enrolled, erasing])).toEqual([]);
  });

  it('erases what a withdrawal left, should nothing else have', () => {
    const withdrawn = { ...ConsentWithdrawn({ ...of, consentId, channel: 'counter' }), at: '2026-07-01T00:00:00.000Z' };
    expect(eraseAt('2026-07-01T00:00:00.000Z', [enrolled], undefined, [given, withdrawn])).toEqual([
      begun(templateId, 'consent-withdrawn'),
    ]);
  });

  it('looks for accepts no further back than they matter', () => {
    const templates = stateOf(TemplateStream, [enrolled]);
    expect(acceptsSince(templates, new Date('2026-07-01T00:00:00Z'))).toEqual(new Date(at));
    expect(acceptsSince(templates, new Date('2027-06-01T00:00:00Z'))).toEqual(new Date('2026-12-02T00:00:00Z'));
    const unlimited = { ...TemplateEnrolled({ ...templateTerms, retention: { maxDays: 10 } }), at };
    expect(acceptsSince(stateOf(TemplateStream, [unlimited]), new Date(at))).toBeUndefined();
  });
});
