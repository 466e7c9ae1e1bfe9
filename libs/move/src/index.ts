export { type Exported, exportTenant } from './export-tenant.js';
export { type Imported, importTenant } from './import-tenant.js';
export { isInUse } from './in-use.js';
export { MoveRefused } from './move-refused.js';
export type { MoveProgress, Side, TellProgress } from './side.js';
export { fingerprintOf, type TransferKey, transferKeyFrom, transferKeyText } from './transfer-key.js';
