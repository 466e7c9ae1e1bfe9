import { Module } from '@nestjs/common';
import { ActivatePurposeHandler, ActivatePurposeRoute } from './activate-purpose.js';
import { ApproveAssessmentHandler, ApproveAssessmentRoute } from './approve-assessment.js';
import { ChangeThresholdCardHandler, ChangeThresholdCardRoute } from './change-threshold-card.js';
import { DefinePurposeHandler, DefinePurposeRoute } from './define-purpose.js';
import { DraftAssessmentHandler, DraftAssessmentRoute } from './draft-assessment.js';
import { OpenCheckpointHandler, OpenCheckpointRoute } from './open-checkpoint.js';
import { PublishNoticeHandler, PublishNoticeRoute } from './publish-notice.js';
import { PublishThresholdCardHandler, PublishThresholdCardRoute } from './publish-threshold-card.js';
import { RenewRotationHandler, RenewRotationRoute } from './renew-rotation.js';
import { ShowAssessmentHandler, ShowAssessmentRoute } from './show-assessment.js';
import { ShowCheckpointHandler, ShowCheckpointRoute } from './show-checkpoint.js';
import { ShowNoticeHandler, ShowNoticeRoute } from './show-notice.js';
import { ShowPurposeHandler, ShowPurposeRoute } from './show-purpose.js';
import { ShowThresholdCardHandler, ShowThresholdCardRoute } from './show-threshold-card.js';
import { SuspendPurposeHandler, SuspendPurposeRoute } from './suspend-purpose.js';

/** What a hospital may do with faces, and on what conditions: notices, threshold cards, purposes, assessments, checkpoints. */
@Module({
  controllers: [
    PublishNoticeRoute,
    ShowNoticeRoute,
    PublishThresholdCardRoute,
    ShowThresholdCardRoute,
    DefinePurposeRoute,
    ShowPurposeRoute,
    ChangeThresholdCardRoute,
    ActivatePurposeRoute,
    SuspendPurposeRoute,
    RenewRotationRoute,
    DraftAssessmentRoute,
    ApproveAssessmentRoute,
    ShowAssessmentRoute,
    OpenCheckpointRoute,
    ShowCheckpointRoute,
  ],
  providers: [
    PublishNoticeHandler,
    ShowNoticeHandler,
    PublishThresholdCardHandler,
    ShowThresholdCardHandler,
    DefinePurposeHandler,
    ShowPurposeHandler,
    ChangeThresholdCardHandler,
    ActivatePurposeHandler,
    SuspendPurposeHandler,
    RenewRotationHandler,
    DraftAssessmentHandler,
    ApproveAssessmentHandler,
    ShowAssessmentHandler,
    OpenCheckpointHandler,
    ShowCheckpointHandler,
  ],
})
export class PolicyModule {}
