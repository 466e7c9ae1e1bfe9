export { cosine } from './cosine.js';
export { bandOf, decisionOf, type ScoreBand, type ScoreDecision, type Thresholds } from './decision.js';
export { EmbeddingOf, type EmbeddingRead } from './embedding.js';
