export { refusals as idempotencyRefusals } from './refusals.js';
