export { Decision, MatchDecided, type Matches, MatchStream, matchKey, matchKeysBetween } from './match.stream.js';
