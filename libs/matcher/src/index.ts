export { cosine, unitNorm } from './cosine.js';
export { type Band, bandOf, bands, type Decision, decisionOf, decisions, type Thresholds } from './decision.js';
export { type EmbeddingRead, embeddingOf } from './embedding.js';
