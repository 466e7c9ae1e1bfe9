export { DataKeys } from './data-keys.js';
export {
  effectiveErasureAt,
  GenerationClosed,
  GenerationStream,
  generationsId,
  TenantKeyRotated,
} from './generation.stream.js';
export { KeyErased, PersonalData } from './personal-data.js';
export { Signatures } from './signatures.js';
