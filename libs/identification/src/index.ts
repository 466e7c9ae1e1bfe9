export { Galleries } from './galleries.js';
export { IdentificationModule } from './identification.module.js';
export { Outcomes } from './outcomes.js';
