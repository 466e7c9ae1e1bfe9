export { LogAudit, type Violation } from './log-audit.js';
