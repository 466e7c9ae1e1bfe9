import { join } from 'node:path';
import { historyContract } from '#lib/core/contracts';
import { AssessmentStream } from './assessment.stream.js';
import { CheckpointStream } from './checkpoint.stream.js';
import { CheckpointIdStream } from './checkpoint-id.stream.js';
import { NoticeStream } from './notice.stream.js';
import { PurposeStream } from './purpose.stream.js';
import { ThresholdCardStream } from './threshold-card.stream.js';

historyContract(join(import.meta.dirname, 'events'), [
  ...NoticeStream.events,
  ...ThresholdCardStream.events,
  ...PurposeStream.events,
  ...AssessmentStream.events,
  ...CheckpointStream.events,
  ...CheckpointIdStream.events,
]);
