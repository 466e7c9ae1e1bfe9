export { refusals as idempotencyRefusals } from './refusals.js';
export { answersCollection, StoredAnswers } from './stored-answers.js';
