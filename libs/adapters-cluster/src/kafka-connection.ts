import { Logger } from '@nestjs/common';
import { Kafka, logLevel, type SASLOptions } from 'kafkajs';
import type { KafkaPlace } from './cluster-settings.js';

/** Rode out every kill of a broker that was tried; the client's own give up after 6 to 9 s without one. */
const retry = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 15 };
const connectionTimeoutMs = 1_000;
const requestTimeoutMs = 5_000;

/**
 * A client of the brokers; it connects when it is used. `purpose` is what a broker's own log knows it by.
 *
 * The client calls an error whatever it is about to try again, so we log that as a warning: whoever uses it says what
 * really failed. It knows of topics, groups and brokers, never of what is in a record.
 */
export function connectKafka({ brokers, isTls, sasl }: KafkaPlace, purpose: string): Kafka {
  const log = new Logger('Kafka');
  return new Kafka({
    clientId: `lethe-${purpose}`,
    brokers: [...brokers],
    ssl: isTls,
    ...(sasl && { sasl: sasl as SASLOptions }),
    retry,
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    logLevel: logLevel.ERROR,
    logCreator: () => (entry) => {
      const { message, error } = entry.log;
      log.warn(`${purpose}: ${message}${typeof error === 'string' && error !== message ? ` (${error})` : ''}`);
    },
  });
}
