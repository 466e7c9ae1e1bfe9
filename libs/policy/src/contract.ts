export { AssessmentApproved, AssessmentDrafted } from './assessment.stream.js';
export {
  alternativesAt,
  type Checkpoint,
  CheckpointId,
  CheckpointOpened,
  CheckpointStream,
  MethodKind,
  refusals as checkpointRefusals,
} from './checkpoint.stream.js';
export { CheckpointIdClaimed } from './checkpoint-id.stream.js';
export { type IdentificationBudget, identificationBudget } from './identification-budget.js';
export {
  type Notice,
  NoticeId,
  NoticePublished,
  NoticeStream,
  type NoticeText,
  noticeStands,
  refusals as noticeRefusals,
} from './notice.stream.js';
export {
  IdentificationRule,
  isAssessed,
  type Purpose,
  PurposeActivated,
  PurposeAssessed,
  PurposeDefined,
  PurposeId,
  PurposeStream,
  PurposeSuspended,
  RetentionRule,
  RotationRenewed,
  refusals as purposeRefusals,
  ThresholdCardChanged,
} from './purpose.stream.js';
export {
  Dimension,
  dimensionMax,
  ModelIdentity,
  refusals as thresholdCardRefusals,
  ThresholdCardId,
  ThresholdCardPublished,
  ThresholdCardStream,
  ThresholdCardTerms,
} from './threshold-card.stream.js';
