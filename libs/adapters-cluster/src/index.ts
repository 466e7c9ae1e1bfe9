export { type AppendCounts, MongoEventStore } from './mongo-event-store.adapter.js';
