export { RetentionModule } from './retention.module.js';
export { SweepLoop } from './sweep-loop.js';
export { Sweeper, type Swept } from './sweeper.js';
