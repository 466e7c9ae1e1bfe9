export { Identity, identityContext } from './external-reference.js';
export { referencesCollection } from './reference-index.js';
export {
  refusals as subjectRefusals,
  type Subject,
  SubjectErased,
  SubjectErasureBegun,
  SubjectRegistered,
  SubjectStream,
} from './subject.stream.js';
