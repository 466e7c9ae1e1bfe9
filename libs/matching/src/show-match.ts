import { z } from 'zod';
import { ConsentId } from '#lib/consent/contract';
import { Slug } from '#lib/core';
import { CheckpointId, MethodKind, PurposeId } from '#lib/policy/contract';
import { Band, Decision, MatchId } from './match.stream.js';

const Alternatives = z.array(MethodKind).max(MethodKind.options.length);
const Reasons = z.array(Slug).max(5);

/** What a caller learns of a comparison: what was decided and on which consent, and what else would do. Never a score. */
export const MatchShown = z
  .object({
    matchId: MatchId,
    decision: Decision.exclude(['unavailable']),
    band: Band,
    reasons: Reasons,
    consentId: ConsentId,
    alternatives: Alternatives,
  })
  .meta({ id: 'Match' });

/** The same for fastify, which then writes nothing else; `Answer` is ours and needs no `$schema`. */
const { $schema: _dialect, ...schema } = z.toJSONSchema(MatchShown, { io: 'output', target: 'draft-07' });
export const answerSchema: object = schema;

/** What a patient sees of who compared their face, when and for what. */
export const MatchOfSubject = z
  .object({
    matchId: MatchId,
    at: z.iso.datetime().max(30),
    purposeId: PurposeId,
    checkpointId: CheckpointId.optional(),
    decision: Decision,
    actor: z.string().max(80),
  })
  .meta({ id: 'MatchOfSubject' });
export type MatchOfSubject = z.output<typeof MatchOfSubject>;
