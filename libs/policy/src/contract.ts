export { AssessmentApproved, AssessmentDrafted } from './assessment.stream.js';
export {
  alternativesAt,
  type Checkpoint,
  CheckpointId,
  CheckpointOpened,
  CheckpointStream,
  MethodKind,
} from './checkpoint.stream.js';
export { CheckpointIdClaimed } from './checkpoint-id.stream.js';
export { type Notice, NoticeId, NoticePublished, NoticeStream, noticeStands } from './notice.stream.js';
export {
  isAssessed,
  type Purpose,
  PurposeActivated,
  PurposeAssessed,
  PurposeDefined,
  PurposeId,
  PurposeStream,
  PurposeSuspended,
  RetentionRule,
} from './purpose.stream.js';
export {
  Dimension,
  dimensionMax,
  ModelIdentity,
  ThresholdCardId,
  ThresholdCardPublished,
  ThresholdCardStream,
  type ThresholdCardTerms,
} from './threshold-card.stream.js';
