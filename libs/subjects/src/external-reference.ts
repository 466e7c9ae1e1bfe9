import { z } from 'zod';
import { SubjectKind } from './subject.stream.js';

/** What the hospital calls a person elsewhere, such as a record number. Two spellings of the same text are one. */
export const ExternalRef = z.string().max(200).trim().normalize('NFC').min(1);

/** A person as the hospital registers them. */
export const Registration = z.strictObject({
  externalRef: ExternalRef,
  /** A day of the calendar, YYYY-MM-DD. */
  birthDate: z.iso.date().max(10).optional(),
  kind: SubjectKind,
});
export type Registration = z.output<typeof Registration>;

/** What identifies the person: sealed under the subject's key in the fact of their registration, and nowhere in the clear. */
export const Identity = Registration.omit({ kind: true });
export type Identity = z.output<typeof Identity>;

/** What the identity is sealed as. */
export const identityContext = 'subject.identity';
