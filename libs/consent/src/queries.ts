// What this feature answers, for one that answers of many: apart from its contract, which what is asked for may need.
export { ListConsents } from './list-consents.js';
export { ConsentShown } from './show-consent.js';
