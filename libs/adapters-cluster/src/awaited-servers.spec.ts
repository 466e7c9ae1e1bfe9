import { TestClock } from '../../../test/support/clock.js';
import { awaitServers, type Server, ServersMissing } from './awaited-servers.js';

const refused = () => Object.assign(new Error('connect to mongodb://user:password@one'), { code: 'ECONNREFUSED' });

describe('awaitServers', () => {
  let ticks: TestClock;
  let said: string[];
  let tries: number;
  const say = (line: string) => said.push(line);
  /** There from the `nth` try on. */
  const server = (name: string, nth: number): Server => {
    let count = 0;
    return {
      name,
      reach: async () => {
        tries += 1;
        count += 1;
        if (count < nth) throw refused();
      },
    };
  };
  beforeEach(() => {
    ticks = new TestClock();
    said = [];
    tries = 0;
  });
  /** Half a second passes for each that is slept. */
  const pass = async (steps: number) => {
    for (let n = 0; n < steps; n++) {
      await new Promise((resolve) => setImmediate(resolve));
      ticks.advance(500);
    }
  };

  it('says nothing where all are there, and asks each once', async () => {
    await awaitServers([server('MongoDB', 1), server('Redis', 1)], { waitMs: 60_000, ticks, say });
    expect([said, tries]).toEqual([[], 2]);
  });

  it('says once what it waits for, then now and then what is missing, and asks nobody who answered', async () => {
    const waiting = awaitServers([server('MongoDB', 1), server('Redis', 3), server('KMS', 25)], {
      waitMs: 60_000,
      ticks,
      say,
    });
    await pass(30);
    await waiting;
    expect(said).toEqual([
      'waiting for Redis (ECONNREFUSED), KMS (ECONNREFUSED), 60 s at most',
      'still missing: KMS (ECONNREFUSED)',
    ]);
    expect(tries).toBe(1 + 3 + 25);
  });

  it('gives up in time, names who is missing, and shows no address', async () => {
    const waiting = awaitServers([server('MongoDB', 1), server('Kafka', 1_000)], { waitMs: 2_000, ticks, say });
    const failure = waiting.catch((error: unknown) => error);
    await pass(10);
    expect(await failure).toBeInstanceOf(ServersMissing);
    expect(await failure).toMatchObject({ message: 'not there after 2 s: Kafka (ECONNREFUSED)' });
  });
});
