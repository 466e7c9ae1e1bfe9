import { z } from 'zod';
import { Channel, defineEvent, defineRefusals, defineStream, type EventOf, Slug, Text } from '#lib/core';
import { PurposeId } from './purpose.stream.js';

export const CheckpointId = Slug.brand<'CheckpointId'>();
export type CheckpointId = z.output<typeof CheckpointId>;

/** A way to check who someone is. */
export const MethodKind = z.enum([
  'face',
  'id-card',
  'social-security-card',
  'medical-insurance-card',
  'electronic-health-card',
  'sms-code',
  'staff',
]);
export type MethodKind = z.output<typeof MethodKind>;

const isBiometric = (kind: MethodKind) => kind === 'face';

const Method = z.strictObject({ kind: MethodKind, enabled: z.boolean() });

/** A place in the hospital's process where identity is checked, and the ways to do it there (FRT-13). */
export const CheckpointTerms = z
  .strictObject({
    title: Text,
    channel: Channel,
    purposeId: PurposeId,
    methods: z.array(Method).min(1).max(MethodKind.options.length),
  })
  .refine(({ methods }) => new Set(methods.map(({ kind }) => kind)).size === methods.length, {
    path: ['methods'],
    params: { code: 'repeated-kind' },
  })
  .refine(({ methods }) => methods.some(({ kind, enabled }) => enabled && !isBiometric(kind)), {
    path: ['methods'],
    params: { code: 'face-alone' },
  });
export type CheckpointTerms = z.output<typeof CheckpointTerms>;

export const CheckpointOpened = defineEvent({
  type: 'policy.checkpoint-opened',
  version: 1,
  data: z.strictObject({ checkpointId: CheckpointId, terms: CheckpointTerms }),
});

export const refusals = defineRefusals('policy', {
  'checkpoint-missing': ['missing', 'There is no such checkpoint'],
  'checkpoint-exists': ['conflict', 'The checkpoint was opened on other terms'],
});

export interface Checkpoint {
  readonly checkpointId: CheckpointId;
  readonly terms: CheckpointTerms;
}

/** The checkpoints of one purpose, so that what a patient may do instead is one read. */
export const CheckpointStream = defineStream({
  name: 'checkpoint',
  events: [CheckpointOpened],
  initial: [] as readonly Checkpoint[],
  evolve: (checkpoints, { data }: EventOf<typeof CheckpointOpened>): readonly Checkpoint[] => [...checkpoints, data],
});

/** The enabled non-biometric methods of these checkpoints, or of the one named, in the order they were given. */
export const alternativesAt = (checkpoints: readonly Checkpoint[], checkpointId?: CheckpointId): MethodKind[] => {
  const meant = checkpoints.filter((each) => !checkpointId || each.checkpointId === checkpointId);
  const kinds = meant.flatMap(({ terms }) => terms.methods.filter(({ enabled }) => enabled).map(({ kind }) => kind));
  return [...new Set(kinds)].filter((kind) => !isBiometric(kind));
};
