export { Decision, MatchDecided, MatchStream, matchKey, matchKeysBetween } from './match.stream.js';
