import { randomUUID } from 'node:crypto';
import type { Connection } from 'mongoose';
import { TestClock } from '../../../test/support/clock.js';
import { Leases } from './lease.js';
import { openDatabase } from './mongo-connection.js';

const shares = 16;
const leaseMs = 3_000;
const work = { name: 'lethe.events', shares, leaseMs };

describe('leases', () => {
  let connection: Connection;
  let clock: TestClock;
  beforeAll(async () => {
    const uri = process.env.MONGODB_URI ?? '';
    connection = await openDatabase({ uri, database: `lease-${randomUUID().slice(0, 8)}`, timeoutMs: 5_000 });
  });
  beforeEach(async () => {
    clock = new TestClock();
    await connection.collection('leases').deleteMany({});
  });
  afterAll(async () => {
    await connection.dropDatabase();
    await connection.close();
  });
  const process_ = (name: string, of = work, ticks = clock) => new Leases(connection, of, name, ticks);
  const sizes = (...all: Leases[]) => all.map((each) => each.held().size);
  const everyShare = (...all: Leases[]) => all.flatMap((each) => [...each.held().keys()]).sort((a, b) => a - b);
  const all = Array.from({ length: shares }, (_, n) => n);
  const turns = async (times: number, ...each: Leases[]) => {
    for (let n = 0; n < times; n++) for (const leases of each) await leases.turn();
  };

  it('are all with a process that is alone, and with none before its first turn', async () => {
    const one = process_('one');
    expect(one.held().size).toBe(0);
    await one.turn();
    expect(everyShare(one)).toEqual(all);
  });

  it('are shared with whoever comes, each with one process at any time', async () => {
    const [one, two, three] = [process_('one'), process_('two'), process_('three')];
    await turns(3, one, two);
    expect(sizes(one, two)).toEqual([8, 8]);
    expect(everyShare(one, two)).toEqual(all);
    await turns(4, one, two, three);
    expect(everyShare(one, two, three)).toEqual(all);
    expect(Math.min(...sizes(one, two, three))).toBeGreaterThanOrEqual(4);
  });

  it('never are with two when all want all at the same moment', async () => {
    const many = Array.from({ length: 6 }, (_, n) => process_(`p${n}`));
    for (let round = 0; round < 6; round++) {
      await Promise.all(many.map((each) => each.turn()));
      const held = everyShare(...many);
      expect(new Set(held).size).toBe(held.length);
    }
    expect(everyShare(...many)).toEqual(all);
  });

  it('of a dead process are taken over when they ran out, at a higher term, and it stops believing first', async () => {
    const [dead, next] = [process_('dead'), process_('next')];
    await dead.turn();
    const before = dead.held();
    await next.turn();
    clock.advance(leaseMs - 500);
    await next.turn();
    expect(next.held().size).toBe(0);
    expect(dead.held().size).toBe(16);
    clock.advance(600);
    expect(dead.held().size).toBe(0);
    await turns(2, next);
    expect(everyShare(next)).toEqual(all);
    for (const [share, term] of next.held()) expect(term).toBe((before.get(share) ?? 0) + 1);
    // It comes back to itself: it has nothing, and gets its part again.
    await turns(3, dead, next);
    expect(sizes(dead, next)).toEqual([8, 8]);
  });

  it('hold however far apart the clocks of two machines are', async () => {
    const ahead = new TestClock();
    ahead.advance(86_400_000);
    const [one, two] = [process_('one'), process_('two', work, ahead)];
    await turns(3, one, two);
    for (let n = 0; n < 5; n++) {
      await turns(1, one, two);
      expect(everyShare(one, two)).toEqual(all);
      clock.advance(1_000);
      ahead.advance(1_000);
    }
  });

  it('are given back at a good end: the next has them at once', async () => {
    const [one, two] = [process_('one'), process_('two')];
    await turns(3, one, two);
    await one.release();
    expect(one.held().size).toBe(0);
    await two.turn();
    expect(everyShare(two)).toEqual(all);
  });

  it('of different works do not know each other', async () => {
    const [one, two] = [process_('one'), process_('two', { ...work, name: 'lethe.events-2' })];
    await turns(2, one, two);
    expect(sizes(one, two)).toEqual([16, 16]);
  });

  it('forget the dead in the end', async () => {
    const [dead, next] = [process_('dead'), process_('next')];
    await turns(1, dead, next);
    clock.advance(11 * leaseMs);
    await next.turn();
    const ids = (await connection.collection<{ _id: string }>('leases').find({}).toArray()).map(({ _id }) => _id);
    expect(ids.filter((id) => id.includes('/process/'))).toEqual(['lethe.events/process/next']);
  });
});
