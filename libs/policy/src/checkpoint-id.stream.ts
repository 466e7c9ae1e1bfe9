import { z } from 'zod';
import { defineEvent, defineStream, type EventOf } from '#lib/core';
import { CheckpointId } from './checkpoint.stream.js';
import { PurposeId } from './purpose.stream.js';

export const CheckpointIdClaimed = defineEvent({
  type: 'policy.checkpoint-id-claimed',
  version: 1,
  data: z.strictObject({ checkpointId: CheckpointId, purposeId: PurposeId }),
});

/** Which purpose a checkpoint's id belongs to, for ever: checkpoints are kept by purpose (decision 2). */
export const CheckpointIdStream = defineStream({
  name: 'checkpoint-id',
  events: [CheckpointIdClaimed],
  initial: undefined as PurposeId | undefined,
  evolve: (_, { data }: EventOf<typeof CheckpointIdClaimed>): PurposeId | undefined => data.purposeId,
});
