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

  it('stores a decision of one name once, however many attempts are under way and whatever else is', async () => {
    const { tenant } = caller;
    const other = new MatchLog(store, new Streams(store, clock, random), clock, random);
    const another = { ...sample, matchId: sample.consentId as unknown as Match['matchId'] };
    await log.record(caller, another, now, []);
    const attempts = Array.from({ length: 10 }, (_, n) => (n % 2 ? log : other).recordOnce(caller, sample, now, []));
    const rest = Array.from({ length: 5 }, () => log.record(caller, another, now, []));
    const [first, ...others] = await Promise.all(attempts);
    await Promise.all(rest);
    expect(first).toEqual(await log.find(tenant, sample));
    expect(others).toEqual(others.map(() => first));
    const stored = await store.read(tenant, stream);
    const named = stored.filter(({ data }) => (data as Match).matchId === sample.matchId);
    expect([stored.length, named.length]).toEqual([7, 1]);
  });

  it('stores nothing twice under a name that was recorded as unavailable, nor where a guard has moved', async () => {
    await log.record(caller, { ...sample, decision: 'unavailable' }, now, []);
    await store.append({ tenant: caller.tenant, stream: 'consent', expected: 0, events: [rival(3)] });
    await expect(log.recordOnce(caller, sample, now, guards)).rejects.toThrow(GuardConflict);
    expect(await log.recordOnce(caller, sample, now, [])).toEqual(await log.recordOnce(caller, sample, now, []));
    expect(await revisions()).toEqual([1, 2]);
  });

  it('does not find one that it was unavailable: it may be asked again', async () => {
    await log.record(caller, { ...sample, decision: 'unavailable' }, now, []);
    expect(await log.find(caller.tenant, sample)).toBeUndefined();
  });
});
