export { BeginErasure, beginErasure } from './begin-erasure.js';
export { EnrolmentAttempts, pendingCollection } from './enrolment-attempts.js';
export { consentTriggerOf, EraseWithoutConsent } from './erase-without-consent.js';
export { ErasureResumer } from './erasure-resumer.js';
export { ErasureSaga, type TemplateName } from './erasure-saga.js';
export { type ErasureStore, ErasureStores, type Prober } from './erasure-stores.js';
export {
  ErasureTrigger,
  refusals as templateRefusals,
  type Template,
  TemplateEnrolled,
  TemplateErased,
  TemplateErasureBegun,
  TemplateErasureStepDone,
  TemplateId,
  TemplateStream,
  templateKey,
} from './template.stream.js';
export { TemplateIdClaimed } from './template-id.stream.js';
export { vaultCollection } from './template-records.js';
export { type OpenedTemplate, TemplateVault } from './template-vault.js';
export { type ListedTemplate, TemplatesView } from './templates.view.js';
export { UnfinishedErasures } from './unfinished-erasures.view.js';
