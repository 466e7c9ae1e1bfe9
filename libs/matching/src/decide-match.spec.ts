import type { Grounds, Permission } from '#lib/consent/contract';
import type { ThresholdCardTerms } from '#lib/policy/contract';
import type { Template } from '#lib/templates/contract';
import { comparable, decideMatch } from './decide-match.js';

const card = { accept: 0.5, review: 0.4 } as ThresholdCardTerms;
const template = (templateId: string, over: object = {}, state = 'active') =>
  ({
    state,
    terms: { templateId, model: { id: 'm', version: '1' }, consentId: 'first', ...over },
  }) as unknown as Template;
const one = template('one');
const two = template('two');

describe('a match', () => {
  it.each([
    [0.9, 'accept', 'strong'],
    [0.75, 'accept', 'strong'],
    [0.5, 'accept', 'match'],
    [0.499_999, 'inconclusive', 'near'],
    [0.4, 'inconclusive', 'near'],
    [0.399_999, 'reject', 'none'],
    [-1, 'reject', 'none'],
  ])('with a score of %d is decided as %s, and shown as %s', (score, decision, band) => {
    expect(decideMatch([{ template: one, score }], card)).toMatchObject({ decision, band, template: one });
  });

  it('is decided by the closest template', () => {
    const comparisons = [
      { template: one, score: 0.41 },
      { template: two, score: 0.8 },
    ];
    expect(decideMatch(comparisons, card)).toMatchObject({ decision: 'accept', template: two });
    expect(decideMatch(comparisons.reverse(), card)).toMatchObject({ decision: 'accept', template: two });
  });

  it('is unavailable where a template that may have been closer cannot be read, and accepted where none need be', () => {
    const unreadable = { template: two, score: undefined };
    for (const score of [0.45, 0.1]) {
      expect(decideMatch([{ template: one, score }, unreadable], card)).toEqual({
        decision: 'unavailable',
        reasons: ['template-unreadable'],
      });
    }
    expect(decideMatch([unreadable], card).decision).toBe('unavailable');
    expect(decideMatch([unreadable, { template: one, score: 0.6 }], card).decision).toBe('accept');
  });

  it('tells no score', () => {
    expect(JSON.stringify({ ...decideMatch([{ template: one, score: 0.512_345 }], card), template: '' })).not.toMatch(
      /\d/,
    );
  });
});

describe('a template', () => {
  const consent = { consentId: 'third', replaces: 'second' };
  const grounds = {
    consents: { consents: [{ consentId: 'first' }, { consentId: 'second' }, consent] },
  } as unknown as Grounds;
  const permission = { permitted: true, consent } as unknown as Extract<Permission, { permitted: true }>;
  const among = (...templates: Template[]) =>
    comparable(templates, grounds.consents, permission.consent, { id: 'm', version: '1' }).map(
      ({ terms }) => terms.templateId,
    );

  it('is compared while it is active, of the model, and enrolled under the consent that stands or one it renewed', () => {
    expect(among(template('a', { consentId: 'third' }), template('b', { consentId: 'second' }))).toEqual(['a', 'b']);
  });

  it.each([
    ['from a consent that ended before the one that stands', template('x', { consentId: 'first' })],
    ['that is being erased', template('x', { consentId: 'third' }, 'erasing')],
    ['that is erased', template('x', { consentId: 'third' }, 'erased')],
    ['of another model', template('x', { consentId: 'third', model: { id: 'n', version: '1' } })],
    ['of another version of the model', template('x', { consentId: 'third', model: { id: 'm', version: '2' } })],
  ])('%s is never compared', (_, each) => {
    expect(among(each)).toEqual([]);
  });
});
