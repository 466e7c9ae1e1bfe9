export { ErasureFollower } from './erasure-follower.js';
export { ErasureSaga } from './erasure-saga.js';
export { TemplatesModule } from './templates.module.js';
