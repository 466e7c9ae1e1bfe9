export { MongoDocuments } from './mongo-documents.adapter.js';
export { type AppendCounts, MongoEventStore } from './mongo-event-store.adapter.js';
