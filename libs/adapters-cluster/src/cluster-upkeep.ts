import type { LogPage, Random } from '#lib/ports';
import type { BullJobs } from './bull-jobs.adapter.js';
import type { DeadLetter } from './bull-queue.js';
import type { KafkaPlace } from './cluster-settings.js';
import { connectKafka } from './kafka-connection.js';
import { groupOf } from './kafka-feed.adapter.js';
import { publishedLog } from './published-log.js';

/** What an operator does with a cluster and with no other family. */
export class ClusterUpkeep {
  constructor(
    private readonly kafka: KafkaPlace,
    private readonly jobs: BullJobs,
    private readonly random: Random,
  ) {}

  /** How many processes follow the log at present, in the group of the workers. */
  async followers(): Promise<number> {
    const admin = connectKafka(this.kafka, 'upkeep').admin();
    await admin.connect();
    try {
      const { groups } = await admin.describeGroups([groupOf(this.kafka)]);
      return groups.reduce((sum, { members }) => sum + members.length, 0);
    } finally {
      await admin.disconnect();
    }
  }

  /** The log as Kafka has it, from the first event to the last that was published when this began. */
  published(): AsyncIterable<LogPage> {
    return publishedLog(this.kafka, this.random);
  }

  /** Jobs that were given up: how many, and of each kind the newest. */
  dead(limit: number): Promise<{ readonly count: number; readonly letters: readonly DeadLetter[] }> {
    return this.jobs.deadLetters(limit);
  }
}
