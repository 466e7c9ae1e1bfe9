export { type ClosedGeneration, CloseGeneration, type ClosingProgress } from './close-generation.js';
export { DataKeys } from './data-keys.js';
export {
  effectiveErasureAt,
  GenerationClosed,
  type GenerationHistory,
  GenerationStream,
  generationDueAt,
  generationsId,
  TenantKeyRotated,
} from './generation.stream.js';
export { Generations } from './generations.js';
export { KeyErased, PersonalData } from './personal-data.js';
export { RotateTenantKey } from './rotate-tenant-key.js';
export { Signatures } from './signatures.js';
