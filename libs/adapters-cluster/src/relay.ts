import { Logger } from '@nestjs/common';
import type { Kafka } from 'kafkajs';
import type { Connection } from 'mongoose';
import type { TenantId } from '#lib/core';
import type { Clock, EventStore } from '#lib/ports';
import type { KafkaPlace } from './cluster-settings.js';
import type { CommitHints } from './commit-hints.js';
import { connectKafka } from './kafka-connection.js';
import { Leases } from './lease.js';
import { RelayPartitions, sharesMax } from './relay-partitions.js';
import { RelayPlaces } from './relay-places.js';
import { RelayPublisher } from './relay-publisher.js';
import { RelayQueue } from './relay-queue.js';
import { RelayRounds, type RelayStatus } from './relay-rounds.js';

const leaseMs = 3_000;
const turnEveryMs = 1_000;
/** So many turns from one look at the topic to the next, and from one look for new tenants to the next. */
const lookEvery = 5;
/** Tenants looked after in a turn, whether or not anybody hinted at them: the others have their turn later. */
const pollsMax = 200;
const closeMaxMs = 5_000;

interface RelaySettings {
  readonly kafka: KafkaPlace;
  readonly store: EventStore;
  /** Where leases and positions are kept. */
  readonly connection: Connection;
  readonly hints: CommitHints;
  /** Names this process, in this life: one that starts again has another. */
  readonly nodeId: string;
  readonly ticks: Clock;
}

/**
 * Publishes the log: every event of every tenant, each tenant's in the order of its sequence, at least once.
 *
 * Any number of processes run one; each has its part of the partitions under a lease. Hints wake it, and a slow round over
 * its tenants finds what no hint told of. Positions are written down after the brokers acknowledged what they stand for.
 *
 * A relay that does not know yet that it lost its lease can never make a gap. It sends what is in the store, and within an
 * incarnation of a partition the relays after one another each begin where everything before was acknowledged. So for every
 * event there is a record that stands after one of its predecessor; whatever else lies between is a repeat, or comes again
 * later. A reader who takes, of each tenant, nothing but the very next sequence takes each event once and in order.
 */
export class Relay {
  private readonly log = new Logger(Relay.name);
  private readonly closing = new AbortController();
  private readonly client: Kafka;
  private readonly queue = new RelayQueue();
  private readonly leases: Leases;
  private readonly partitions: RelayPartitions;
  private readonly publisher: RelayPublisher;
  private readonly rounds: RelayRounds;
  private tenants: readonly TenantId[] = [];
  private polled = 0;
  private running: Promise<unknown> = Promise.resolve();
  private looking: Promise<void> | undefined;

  constructor(private readonly settings: RelaySettings) {
    const { kafka, store, connection, nodeId, ticks } = settings;
    const client = connectKafka(kafka, 'relay');
    const places = new RelayPlaces(connection, kafka.topic);
    this.client = client;
    this.leases = new Leases(connection, { name: kafka.topic, shares: sharesMax, leaseMs }, nodeId, ticks);
    this.partitions = new RelayPartitions(places, kafka);
    this.publisher = new RelayPublisher(client, kafka.topic);
    const { queue, partitions, closing, publisher } = this;
    const isLeased = (partition: number) => this.leases.held().has(partition % sharesMax);
    this.rounds = new RelayRounds({
      store,
      places,
      partitions,
      publisher,
      queue,
      isLeased,
      ticks,
      closing: closing.signal,
    });
  }

  /**
   * Makes the topic where there is none, then goes on by itself.
   * @throws UnusableTopic, or what the client says after 15 s without a broker
   */
  async start(): Promise<void> {
    await this.lookOnce();
    await this.settings.hints.listen((tenant) => this.wake(tenant));
    this.running = Promise.all([this.tend(), this.rounds.run()]);
  }

  async status(): Promise<RelayStatus> {
    return { shares: this.leases.held().size, ...(await this.rounds.status()) };
  }

  /** Asks nobody: resolves while what it does by itself succeeds. @throws when it does not */
  async check(): Promise<void> {
    if (!this.leases.isRenewed()) throw new Error('leases cannot be renewed');
    await this.rounds.check();
  }

  /** Ends what is being sent, unless the brokers take too long, and hands the shares over. */
  async close(): Promise<void> {
    this.closing.abort();
    this.queue.stir();
    await this.bounded(this.running);
    await this.attempt('keeping the last positions', () => this.rounds.close());
    await this.attempt('giving the leases back', () => this.leases.release());
    await this.bounded(Promise.all([this.publisher.close(), this.looking]));
  }

  /** What takes longer goes on without us: nothing rests on it. */
  private async bounded(what: Promise<unknown>): Promise<void> {
    const isOver = new AbortController();
    await Promise.race([what, this.settings.ticks.sleep(closeMaxMs, isOver.signal)]);
    isOver.abort();
  }

  private wake(tenant: TenantId): void {
    if (this.partitions.of(tenant)) this.queue.add(tenant);
  }

  private async tend(): Promise<void> {
    const { ticks } = this.settings;
    for (let turn = 0; !this.closing.signal.aborted; turn++) {
      await this.attempt('renewing leases', async () => {
        await this.leases.turn();
        if (await this.partitions.hold(new Set(this.leases.held().keys()))) this.polled = 0;
      });
      if (turn % lookEvery === 0) {
        await this.attempt('listing tenants', async () => {
          this.tenants = await this.settings.store.tenants();
        });
        if (turn > 0) void this.look();
      }
      this.poll();
      await ticks.sleep(turnEveryMs, this.closing.signal);
    }
  }

  /** Nobody waits for it: without a broker it takes as long as the client tries, and leases have to be renewed. */
  private look(): Promise<void> {
    this.looking ??= this.attempt('looking at the topic', async () => {
      if (await this.lookOnce()) this.poll(Number.POSITIVE_INFINITY);
    }).finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  /** By a client of its own: one that knows of the topic asks for it with every call, and fails where it is gone. */
  private async lookOnce(): Promise<boolean> {
    const admin = this.client.admin();
    try {
      await admin.connect();
      return await this.partitions.look(admin);
    } finally {
      await admin.disconnect();
    }
  }

  /** The next so many tenants of ours, whether or not there is something new of theirs. */
  private poll(max = pollsMax): void {
    const ours = this.tenants.filter((tenant) => this.partitions.of(tenant));
    const count = Math.min(max, ours.length);
    for (let n = 0; n < count; n++) this.queue.add(ours[(this.polled + n) % ours.length] as TenantId);
    this.polled = (this.polled + count) % Math.max(1, ours.length);
  }

  private async attempt(what: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.warn(`${what} failed`, error);
    }
  }

  private warn(what: string, error: unknown): void {
    this.log.warn(`${what}: ${(error as Error).message}`);
  }
}
