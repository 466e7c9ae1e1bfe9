export { type Due, DueRule, dueOf } from './due.js';
export { DueDates } from './due-dates.js';
export { OverdueTemplates } from './overdue.js';
export { type SweepPart, SweepParts } from './sweep-parts.js';
