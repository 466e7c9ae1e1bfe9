import { z } from 'zod';
import { ConsentId } from '#lib/consent/contract';
import { defineEvent, defineRefusals, defineStream, type EventOf, Slug, SubjectId, Uuid } from '#lib/core';
import { Band, MatchId } from '#lib/matching/contract';
import { CheckpointId, ModelIdentity, PurposeId, ThresholdCardId } from '#lib/policy/contract';

export const IdentificationId = Uuid.brand<'IdentificationId'>();
export type IdentificationId = z.output<typeof IdentificationId>;

/** More would be a list of who is in the hospital, and nobody's identity. */
export const candidatesMax = 5;

/** Somebody who may be the one looked for, for a person to confirm. The match of that id stands in the log before this does. */
export const Candidate = z.strictObject({
  subjectId: SubjectId,
  band: Band.extract(['strong', 'match']),
  matchId: MatchId,
  consentId: ConsentId,
});
export type Candidate = z.output<typeof Candidate>;

/** Who somebody is was looked for among all who are enrolled for a purpose: in which gallery, and what came of it. */
export const IdentificationDecided = defineEvent({
  type: 'identification.decided',
  version: 1,
  data: z.strictObject({
    identificationId: IdentificationId,
    purposeId: PurposeId,
    checkpointId: CheckpointId.optional(),
    model: ModelIdentity,
    thresholdCardId: ThresholdCardId,
    gallery: z.strictObject({
      templates: z.int().min(0),
      /** That somebody who is not enrolled is taken for one who is (PERF-2), and the most that the purpose allows. */
      fpir: z.number().min(0).max(1),
      fpirMax: z.number().min(0).max(1),
    }),
    candidates: z.array(Candidate).max(candidatesMax),
    reasons: z.array(Slug).max(5),
  }),
});
export type Identification = z.output<typeof IdentificationDecided.data>;

export const refusals = defineRefusals('identification', {
  off: ['forbidden', 'This server finds nobody among many: use another method'],
  'over-budget': ['forbidden', 'Among so many templates too many who are not enrolled would be found'],
  'over-cap': ['forbidden', 'More templates are enrolled than the purpose lets be searched'],
  'over-quota': ['exhausted', 'The purpose was searched as often as it may be in a minute'],
  'no-memory': ['unavailable', 'The gallery does not fit into the memory that galleries may take here'],
  building: ['unavailable', 'The gallery is being made from the vault: come again'],
});

/** One identification. Its id is made of the request, so that a repeat finds what was said. */
export const IdentificationStream = defineStream({
  name: 'identification',
  events: [IdentificationDecided],
  initial: undefined as Identification | undefined,
  evolve: (_, { data }: EventOf<typeof IdentificationDecided>): Identification => data,
});
