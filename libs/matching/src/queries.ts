// What this feature answers, for one that answers of many: apart from its contract, which what is asked for may need.
export { ListMyMatches } from './my-matches.js';
export { MatchOfSubject } from './show-match.js';
