export { type ClosedGeneration, CloseGeneration, type ClosingProgress } from './close-generation.js';
export { KeysModule } from './keys.module.js';
export { RotateTenantKey } from './rotate-tenant-key.js';
