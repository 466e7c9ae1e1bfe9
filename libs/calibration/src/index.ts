export { type Calibration, calibrate, type OperatingPoint, targets, type Wanted } from './calibration.js';
export { type Comparison, Comparisons, comparisonsMax, groupsMax, UnfitComparison } from './comparisons.js';
export { type DetPoint, type ErrorRates, everyThreshold } from './det.js';
export { type DetText, detPicture } from './det-picture.js';
export type { GroupRate, GroupRates } from './groups.js';
export { type Interval, intervalOf } from './interval.js';
export type { Outcomes, Rate } from './outcomes.js';
export type { Support } from './threshold.js';
