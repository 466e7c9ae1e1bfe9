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
