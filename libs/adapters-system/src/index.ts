export { FolderBlobs } from './folder-blobs.adapter.js';
export { handOverTo, takeOverAt } from './hand-over.js';
export { replaceFile, scrubLeftovers, writeFirst } from './replaced-file.js';
export { SystemClock } from './system-clock.adapter.js';
export { SystemRandom } from './system-random.adapter.js';
