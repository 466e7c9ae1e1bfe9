import { randomUUID } from 'node:crypto';
import { SystemClock } from '#lib/adapters-system';
import { eventStoreContract } from '#lib/ports/contracts';
import { openDatabase } from './mongo-connection.js';
import { MongoEventStore } from './mongo-event-store.adapter.js';

const place = (timeoutMs = 5_000) => ({
  uri: process.env.MONGODB_URI ?? '',
  database: `store-${randomUUID()}`,
  timeoutMs,
});

eventStoreContract(async () => {
  const connection = await openDatabase(place());
  const store = await MongoEventStore.open(connection, new SystemClock());
  const close = async () => {
    await store.close();
    await connection.dropDatabase();
    await connection.close();
  };
  return { store, close };
});
