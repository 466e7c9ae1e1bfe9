export { refusals as idempotencyRefusals } from './refusals.js';
export { StoredAnswers } from './stored-answers.js';
