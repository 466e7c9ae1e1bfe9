import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteEventStore } from '#lib/adapters-embedded';
import { SystemRandom } from '#lib/adapters-system';
import { ActorId, TenantId } from '#lib/core';
import { GuardConflict, type NewEvent, Streams } from '#lib/ports';
import { TestClock } from '../../../test/support/clock.js';
import type { Match } from './match.stream.js';
import { MatchLog } from './match-log.js';

const sample: Match = JSON.parse(readFileSync(join(import.meta.dirname, 'events/matching.decided.v1.json'), 'utf8'));
const caller = { tenant: TenantId.parse('here'), actor: ActorId.parse('tester') };
const stream = `match-${sample.subjectId}-2026-06`;
const guards = [{ stream: 'consent', revision: 0 }];

const rival = (n: number): NewEvent => ({
  id: `rival-${n}`,
  type: 'test.happened',
  version: 1,
  data: {},
  at: '2026-06-01T00:00:00.000Z',
  actor: 'rival',
});

describe('the log of matches', () => {
  const [clock, random] = [new TestClock(), new SystemRandom()];
  const now = clock.now();
  let folder: string;
  let store: SqliteEventStore;
  let log: MatchLog;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'matches-'));
    store = new SqliteEventStore(join(folder, 'events.db'));
    log = new MatchLog(store, new Streams(store, clock, random), clock, random);
  });
  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  const revisions = async () => (await store.read(caller.tenant, stream)).map(({ revision }) => revision);

  it('takes many decisions about one subject at once, each once and in the order they were sent', async () => {
    const positions = await Promise.all(Array.from({ length: 200 }, () => log.record(caller, sample, now, guards)));
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(await revisions()).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
  });

  it('goes on after another process wrote into the stream', async () => {
    await log.record(caller, sample, now, []);
    await store.append({ tenant: caller.tenant, stream, expected: 1, events: [rival(1)] });
    await Promise.all([1, 2, 3].map(() => log.record(caller, sample, now, [])));
    expect(await revisions()).toEqual([1, 2, 3, 4, 5]);
  });

  it('stores nothing once what a decision relied on has moved, and still takes the others', async () => {
    await store.append({ tenant: caller.tenant, stream: 'consent', expected: 0, events: [rival(2)] });
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => log.record(caller, sample, now, n % 2 ? guards : [])),
    );
    expect(results.map(({ status }) => status)).toEqual(results.map((_, n) => (n % 2 ? 'rejected' : 'fulfilled')));
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(reasons.filter((reason) => !(reason instanceof GuardConflict))).toEqual([]);
    expect(await revisions()).toHaveLength(10);
  });

  it('finds a decision again by its name, for a day and over the end of a month', async () => {
    const { tenant } = caller;
    const before = new Date('2026-05-31T23:59:59.999Z');
    const position = await log.record(caller, sample, before, []);
    expect(await log.find(tenant, sample)).toEqual({ match: sample, position });
    expect(await log.find(tenant, { ...sample, subjectId: sample.consentId })).toBeUndefined();
    expect(await log.find(TenantId.parse('there'), sample)).toBeUndefined();
  });

  it('does not find one that it was unavailable: it may be asked again', async () => {
    await log.record(caller, { ...sample, decision: 'unavailable' }, now, []);
    expect(await log.find(caller.tenant, sample)).toBeUndefined();
  });
});
