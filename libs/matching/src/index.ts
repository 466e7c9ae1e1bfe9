export { MatchingModule } from './matching.module.js';
export { VerifyBytes } from './verify-bytes.js';
