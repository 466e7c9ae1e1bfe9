export { ReferenceIndex } from './reference-index.js';
export { SubjectErasure } from './subject-erasure.js';
export { SubjectsModule } from './subjects.module.js';
