import { type DatedFact, stateOf } from '#lib/core';
import {
  identification,
  identifying,
  newThresholdCardId,
  notice,
  officer,
  purpose,
  purposeId,
  thresholdCard,
  thresholdCardId,
} from '../../../test/support/policy.js';
import { DefinePurpose, definePurpose } from './define-purpose.js';
import { type Notice, NoticeText } from './notice.stream.js';
import {
  PurposeActivated,
  PurposeDefined,
  PurposeId,
  PurposeStream,
  PurposeTerms,
  ThresholdCardChanged,
} from './purpose.stream.js';
import { show } from './show-purpose.js';
import { ThresholdCardTerms } from './threshold-card.stream.js';

const at = '2026-05-01T00:00:00.000Z';
const id = PurposeId.parse(purposeId);
const terms = PurposeTerms.parse(purpose);
const published: Notice = [{ version: 1, hash: 'a'.repeat(64), text: NoticeText.parse(notice), publishedAt: at }];
const card = ThresholdCardTerms.parse(thresholdCard);
const defined = { ...PurposeDefined({ purposeId: id, terms }), at };
const active = { ...PurposeActivated({ purposeId: id }), at };
const change = { thresholdCardId: newThresholdCardId, previousThresholdCardId: thresholdCardId };
const cardChanged = { ...ThresholdCardChanged({ purposeId: id, ...change }), at };
const refusedAs = (code: string) => expect.objectContaining({ code });

const define = (
  past: readonly DatedFact[],
  change = {},
  relied: Parameters<typeof definePurpose>[2] = [published, card],
) =>
  definePurpose(
    stateOf(PurposeStream, past),
    new DefinePurpose(officer, id, PurposeTerms.parse({ ...purpose, ...change })),
    relied,
  );

describe('define purpose', () => {
  it('records its terms once', () => {
    expect(define([])).toEqual([PurposeDefined({ purposeId: id, terms })]);
    expect(define([defined])).toEqual([]);
    expect(define([defined, active])).toEqual([]);
    expect(define([defined, cardChanged])).toEqual([]);
  });

  it.each([{ consentMaxDays: 364 }, { retention: { maxDays: 365 } }])('is refused on other terms: %j', (change) => {
    expect(() => define([defined], change)).toThrow(refusedAs('policy.purpose-exists'));
  });

  it('is refused on the terms that only its new threshold card makes', () => {
    const change = { thresholdCardId: newThresholdCardId };
    expect(() => define([defined, cardChanged], change)).toThrow(refusedAs('policy.purpose-exists'));
  });

  it('is refused where notice or threshold card is missing', () => {
    expect(() => define([], {}, [[], card])).toThrow(refusedAs('policy.notice-missing'));
    expect(() => define([], {}, [published, undefined])).toThrow(refusedAs('policy.threshold-card-missing'));
  });

  it('is refused to identify by embeddings too small to be searched', () => {
    const small = { ...card, model: { ...card.model, dim: 63 } };
    expect(() => define([], identifying(), [published, small])).toThrow(refusedAs('policy.dimension-too-small'));
    expect(define([], {}, [published, small])).toHaveLength(1);
    expect(define([], identifying())).toHaveLength(1);
  });

  it('is shown with its state, and missing before', () => {
    const purposeOf = (past: readonly DatedFact[]) => show(id, stateOf(PurposeStream, past));
    expect(purposeOf([defined])).toEqual({
      purposeId: id,
      ...terms,
      state: 'defined',
      assessments: [],
      reassessmentDue: false,
    });
    expect(purposeOf([defined, active])).toMatchObject({ state: 'active' });
    expect(() => purposeOf([])).toThrow(refusedAs('policy.purpose-missing'));
  });

  it.each([
    ['no operation', { operations: [] }],
    ['an operation that is neither to verify nor to identify', { operations: ['watch'] }],
    ['both operations, which are two consents', { operations: ['verify', 'identify'], identification }],
    ['identification without bounds', { operations: ['identify'] }],
    ['bounds of what it does not do', { identification }],
    ['more false positives than one in a thousand', identifying({ fpirMax: 0.002 })],
    ['a gallery without end', identifying({ galleryMax: 1_000_001 })],
    ['searches without end', identifying({ searchesPerMinuteMax: 0 })],
    ['another legal basis', { legalBasis: 'interest' }],
    ['no less intrusive way considered', { necessity: { statement: 'x' } }],
    ['retention without end', { retention: {} }],
    ['consent without end', { consentMaxDays: 0 }],
    ['an unknown field', { extra: 1 }],
  ])('may not have %s', (_, change) => {
    expect(PurposeTerms.safeParse({ ...purpose, ...change }).success).toBe(false);
  });
});
