import mongoose, { type Connection } from 'mongoose';
import type { MongoPlace } from './cluster-settings.js';

const connectionsMax = 20;

/**
 * Connects to a database, for writes that a majority has on disk and reads that see them.
 *
 * All three timeouts are needed: without that of sockets a write whose answer is lost waits for ever. A call that times
 * out, or fails otherwise than by being refused, may have taken effect.
 * @throws MongooseServerSelectionError when no server is reached in time
 */
export async function openDatabase({ uri, database, timeoutMs }: MongoPlace): Promise<Connection> {
  const connection = mongoose.createConnection(uri, {
    dbName: database,
    appName: 'lethe',
    maxPoolSize: connectionsMax,
    serverSelectionTimeoutMS: timeoutMs,
    connectTimeoutMS: timeoutMs,
    socketTimeoutMS: timeoutMs,
    writeConcern: { w: 'majority', journal: true },
    readConcern: { level: 'majority' },
    readPreference: 'primary',
    retryWrites: true,
    bufferCommands: false,
    autoIndex: false,
    autoCreate: false,
  });
  try {
    return await connection.asPromise();
  } catch (error) {
    await connection.destroy();
    throw error;
  }
}
