export { type ClusterEnvironment, clusterEnvironment, clusterVariables, placesOf } from './cluster-environment.js';
export type { ClusterSettings, KafkaPlace } from './cluster-settings.js';
export { CommitHints } from './commit-hints.js';
export { openDatabase } from './mongo-connection.js';
export { MongoDocuments } from './mongo-documents.adapter.js';
export { type AppendCounts, MongoEventStore } from './mongo-event-store.adapter.js';
export { MongoKeyTable } from './mongo-key-table.adapter.js';
export { Relay } from './relay.js';
export type { RelayStatus } from './relay-rounds.js';
