import { type DatedFact, SubjectId, stateOf } from '#lib/core';
import { subjectId as id } from '../../../test/support/consent.js';
import { Registration } from './external-reference.js';
import { identityAt, registerSubject } from './register-subject.js';
import { SubjectErased, SubjectErasureBegun, SubjectRegistered, SubjectStream } from './subject.stream.js';

const subjectId = SubjectId.parse(id);
const at = '2026-05-01T00:00:00.000Z';
const registration = { subjectId, kind: 'patient', sealed: 'TAEBAAAA' } as const;
const registered = { ...SubjectRegistered(registration), at };
const begun = { ...SubjectErasureBegun({ subjectId }), at };
const erased = { ...SubjectErased({ subjectId }), at };
const refusedAs = (code: string) => expect.objectContaining({ code });
const registerAfter = (past: readonly DatedFact[], asked: Parameters<typeof registerSubject>[1] = registration) =>
  registerSubject(stateOf(SubjectStream, past), asked);

describe('register a subject', () => {
  it('records who it is, sealed', () => {
    expect(registerAfter([])).toEqual([SubjectRegistered(registration)]);
  });

  it('records nothing when repeated', () => {
    expect(registerAfter([registered])).toEqual([]);
  });

  it('is refused when the id came with another identity', () => {
    expect(() => registerAfter([registered], { ...registration, sealed: 'TAEBAAAB' })).toThrow(
      refusedAs('subjects.id-taken'),
    );
  });

  it.each([
    ['being erased', [registered, begun]],
    ['erased', [registered, begun, erased]],
  ])('is refused under the id of one that is %s, also with the same identity', (_, past) => {
    expect(() => registerAfter(past)).toThrow(refusedAs('subjects.id-taken'));
  });
});

describe('the identity of a subject', () => {
  const now = new Date('2026-06-01T09:59:59Z');
  const identityBorn = (birthDate: string) => identityAt({ externalRef: 'MRN-1', birthDate, kind: 'patient' }, now);

  it('may say that they were born today, wherever today is', () => {
    expect(identityBorn('2026-06-01')).toEqual({ externalRef: 'MRN-1', birthDate: '2026-06-01' });
    expect(() => identityBorn('2026-06-02')).toThrow(refusedAs('subjects.born-later'));
    expect(
      identityAt({ externalRef: 'MRN-1', birthDate: '2026-06-02', kind: 'patient' }, new Date('2026-06-01T10:00:00Z'))
        .birthDate,
    ).toBe('2026-06-02');
  });

  it('says nothing of a birth date that is not known', () => {
    expect(identityAt({ externalRef: 'MRN-1', kind: 'patient' }, now)).toEqual({ externalRef: 'MRN-1' });
  });

  it('has one spelling', () => {
    const parsed = Registration.parse({ externalRef: '  Zoe\u0308-7 ', kind: 'patient' });
    expect(parsed.externalRef).toBe('Zo\u00eb-7');
  });

  it.each([
    ['a reference of blanks', { externalRef: '   ' }],
    ['a reference that is too long', { externalRef: 'x'.repeat(201) }],
    ['a day that never was', { externalRef: 'MRN-1', birthDate: '2025-02-29' }],
    ['a day in another notation', { externalRef: 'MRN-1', birthDate: '29.02.2024' }],
    ['what nobody asked for', { externalRef: 'MRN-1', name: 'secret' }],
  ])('is not %s', (_, body) => {
    expect(Registration.safeParse({ ...body, kind: 'patient' }).success).toBe(false);
  });
});
