import type { Clock } from '#lib/ports';

/** A database of a MongoDB, or of a server that speaks its protocol. */
export interface MongoPlace {
  readonly uri: string;
  readonly database: string;
  /** How long a call may take before its outcome is given up for unknown. */
  readonly timeoutMs: number;
}

/** The brokers of a Kafka, and what is ours there. */
export interface KafkaPlace {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Of the topic, when it is made. A tenant lies in one; more than workers will ever be is a good number. */
  readonly partitions: number;
  readonly replication: number;
  /** Consumer groups of ours begin with it. */
  readonly group: string;
  readonly isTls: boolean;
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
}

/** A Redis, and what every name of ours there begins with. */
export interface RedisPlace {
  readonly url: string;
  readonly prefix: string;
}

/** AWS KMS, or a server that speaks its protocol where `endpoint` says so. */
export interface KmsPlace {
  readonly endpoint?: string | undefined;
  readonly region: string;
  /** The key above all keys: an id, an ARN or an alias. */
  readonly rootKeyId: string;
  readonly timeoutMs: number;
  /** By default found as the SDK finds them. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** Where the servers are that the cluster family stands on. */
export interface ClusterSettings {
  /** Names this process in this life of its own, in leases and logs: one that starts again is another. */
  readonly nodeId: string;
  readonly store: MongoPlace;
  /** May lie in another server than the store: it has a backup life of its own. */
  readonly vault: MongoPlace;
  /** As `vault`. */
  readonly keys: MongoPlace;
  readonly kafka: KafkaPlace;
  readonly redis: RedisPlace;
  readonly kms: KmsPlace;
  readonly blobsFolder: string;
  /** The time that decisions are made in. Leases and retries always go by the system's. */
  readonly clock?: Clock | undefined;
}
