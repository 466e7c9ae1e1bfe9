export { Deadline } from './deadline.js';
export { comparable } from './decide-match.js';
export {
  Band,
  Decision,
  type Match,
  MatchDecided,
  type Matches,
  MatchId,
  MatchStream,
  matchKey,
  matchKeysBetween,
  refusals as matchRefusals,
} from './match.stream.js';
export { MatchLog, type Recorded } from './match-log.js';
export { MatcherNode, type NodeMemory } from './matcher-node.js';
