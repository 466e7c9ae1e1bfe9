import { z } from 'zod';
import { ConsentId } from '#lib/consent/contract';
import { defineEvent, defineRefusals, defineStream, type EventOf, Slug, SubjectId, Uuid } from '#lib/core';
import { CheckpointId, ModelIdentity, PurposeId, ThresholdCardId } from '#lib/policy/contract';
import { TemplateId } from '#lib/templates/contract';

export const MatchId = Uuid.brand<'MatchId'>();
export type MatchId = z.output<typeof MatchId>;

export const Decision = z.enum(['accept', 'reject', 'inconclusive', 'unavailable']);
export type Decision = z.output<typeof Decision>;

/** A score leaves only as one of four bands, too coarse to climb by (T-17). */
export const Band = z.enum(['strong', 'match', 'near', 'none']);
export type Band = z.output<typeof Band>;

/** A comparison was decided: on which consent, template, model and threshold card, and how. Never with a score. */
export const MatchDecided = defineEvent({
  type: 'matching.decided',
  version: 1,
  data: z.strictObject({
    matchId: MatchId,
    subjectId: SubjectId,
    purposeId: PurposeId,
    checkpointId: CheckpointId.optional(),
    decision: Decision,
    band: Band.optional(),
    reasons: z.array(Slug).max(5),
    consentId: ConsentId,
    templateId: TemplateId.optional(),
    model: ModelIdentity,
    thresholdCardId: ThresholdCardId,
  }),
});
export type Match = z.output<typeof MatchDecided.data>;

export const refusals = defineRefusals('matching', {
  'not-permitted': ['forbidden', 'No face may be compared for this subject and purpose now: use another method'],
  'other-operation': ['forbidden', 'The purpose compares faces in another way: consent was given to that one alone'],
  'no-template': ['missing', 'The subject has no active template for this purpose: use another method'],
  unavailable: ['unavailable', 'Faces cannot be compared for now: use another method'],
  'wrong-model': ['invalid', "The embedding is not of the model of the purpose's threshold card"],
  'bad-embedding': ['invalid', 'The embedding cannot be used'],
});

const rememberedMax = 32;

/** The last decisions of a subject's month, so that a repeated request is answered as the first time. */
export interface Matches {
  readonly last: readonly Match[];
  /** When a comparison last accepted, by purpose: what inactivity is counted from. */
  readonly acceptedAt: Readonly<Record<string, string>>;
}

/** The comparisons of one subject in one month. */
export const MatchStream = defineStream({
  name: 'match',
  events: [MatchDecided],
  initial: { last: [], acceptedAt: {} } as Matches,
  evolve: ({ last, acceptedAt }, { data }: EventOf<typeof MatchDecided>, at): Matches => ({
    last: [...last.slice(1 - rememberedMax), data],
    acceptedAt: data.decision === 'accept' ? { ...acceptedAt, [data.purposeId]: at } : acceptedAt,
  }),
});

/** Names the stream: a month of one subject, in UTC. */
export const matchKey = (subjectId: string, at: Date) => `${subjectId}-${at.toISOString().slice(0, 7)}`;

/** The months from `from` to `to`, newest first, as keys of match streams; at most 121. */
export function matchKeysBetween(subjectId: string, from: Date, to: Date): string[] {
  const keys: string[] = [];
  const month = new Date(Date.UTC(to.getUTCFullYear(), to.getUTCMonth(), 1));
  while (keys.length <= 120 && (keys.length === 0 || matchKey('', month) >= matchKey('', from))) {
    keys.push(matchKey(subjectId, month));
    month.setUTCMonth(month.getUTCMonth() - 1);
  }
  return keys;
}
