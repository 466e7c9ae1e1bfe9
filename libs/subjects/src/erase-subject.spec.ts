import { type DatedFact, SubjectId, stateOf } from '#lib/core';
import type { StoredDocument } from '#lib/ports';
import type { ListedTemplate } from '#lib/templates/contract';
import { subjectId as id } from '../../../test/support/consent.js';
import { remaining } from './advance-subject-erasure.js';
import { eraseSubject } from './erase-subject.js';
import { SubjectErased, SubjectErasureBegun, SubjectRegistered, SubjectStream } from './subject.stream.js';
import { show } from './subject-shown.js';

const subjectId = SubjectId.parse(id);
const at = '2026-05-01T00:00:00.000Z';
const registered = { ...SubjectRegistered({ subjectId, kind: 'patient', sealed: 'TAEBAAAA' }), at };
const begun = { ...SubjectErasureBegun({ subjectId }), at };
const erased = { ...SubjectErased({ subjectId }), at };
const stateAfter = (past: readonly DatedFact[]) => stateOf(SubjectStream, past);
const missing = expect.objectContaining({ code: 'subjects.missing' });

describe('erase a subject', () => {
  it('begins it, once', () => {
    expect(eraseSubject(stateAfter([registered]), subjectId)).toEqual([SubjectErasureBegun({ subjectId })]);
    expect(eraseSubject(stateAfter([registered, begun]), subjectId)).toEqual([]);
    expect(eraseSubject(stateAfter([registered, begun, erased]), subjectId)).toEqual([]);
  });

  it('is refused for one who was never registered', () => {
    expect(() => eraseSubject(stateAfter([]), subjectId)).toThrow(missing);
  });

  it('makes them missing from the beginning on', () => {
    expect(show(subjectId, stateAfter([registered]))).toEqual({ subjectId, kind: 'patient', registeredAt: at });
    for (const past of [[], [registered, begun], [registered, begun, erased]]) {
      expect(() => show(subjectId, stateAfter(past))).toThrow(missing);
    }
  });

  it('leaves nothing of them in the state', () => {
    expect(stateAfter([registered, begun, erased])).toEqual({ status: 'erased' });
  });
});

describe('what an erasure still needs', () => {
  const template = (state: 'active' | 'erasing' | 'erased') =>
    ({
      id: state,
      key: state,
      sequence: 1,
      body: { subjectId, purposeId: 'registration', state },
    }) as StoredDocument<ListedTemplate>;
  const erasing = stateAfter([registered, begun]);
  const [active, underWay, done] = [template('active'), template('erasing'), template('erased')];

  it.each([
    ['nothing but the end, without templates', [], { begin: [], isLast: true }],
    ['the active templates', [active, underWay, done], { begin: [active], isLast: false }],
    ['to wait for those under way', [underWay, done], { begin: [], isLast: false }],
    ['nothing but the end, once all are erased', [done, done], { begin: [], isLast: true }],
  ])('is %s', (_, templates, expected) => {
    expect(remaining(erasing, templates)).toEqual(expected);
  });

  it.each([
    ['registered', [registered]],
    ['erased', [registered, begun, erased]],
  ])('is nothing for a subject that is %s', (_, past) => {
    expect(remaining(stateAfter(past), [active])).toEqual({ begin: [], isLast: false });
  });
});
