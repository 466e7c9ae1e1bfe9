import { randomUUID } from 'node:crypto';
import { TestApi } from '../support/api.js';
import { PlannedFaults } from '../support/faults.js';
import { Hospital } from '../support/hospital.js';
import { countsOf, logOf } from '../support/log.js';
import { type Route, routesOf } from '../support/routes.js';
import { type Write, writes } from './writes.js';

const names = Object.keys(writes);
/** Say all in their path, or something that nobody can say twice. */
const withOther = names.filter((name) => !/^delete|activation|suspension|approval|session/.test(name));
const faults = ['not-stored', 'answer-lost'] as const;
const triesMax = 8;
const byNumber = (one: number, other: number) => one - other;

describe('P9: a write', () => {
  const planned = new PlannedFaults();
  let api: TestApi;
  let here: Hospital;
  let routes: readonly Route[];
  beforeAll(async () => {
    api = await TestApi.start({}, planned.over);
    here = await Hospital.open(api);
    routes = await routesOf(api);
  });
  afterAll(() => api.close());

  const begin = async (name: string) => {
    const write = await (writes[name]?.(here) as Promise<Write>);
    const [verb = 'put'] = name.split(' ');
    const key = randomUUID();
    const keyed = routes.find((route) => route.name === name)?.inHeaders.includes('idempotency-key') ?? false;
    const send = async (body = write.body) => {
      const asked = write.by[verb as Route['verb']](write.path);
      if (keyed) asked.set('idempotency-key', key);
      const answer = await (body ? asked.send(body) : asked);
      return { status: answer.status, body: answer.body, position: answer.get('lethe-position') };
    };
    /** How often each of its facts stands in the log. */
    const facts = async () => {
      const log = await logOf(api, write.tenant ?? 'here');
      const mine = log.filter(
        ({ type, data }) => write.facts.includes(type) && JSON.stringify(data).includes(write.about),
      );
      return countsOf(mine);
    };
    const once = Object.fromEntries(write.facts.map((type) => [type, 1]));
    return { ...write, keyed, send, facts, once };
  };
  type Begun = Awaited<ReturnType<typeof begin>>;
  type Answer = Awaited<ReturnType<Begun['send']>>;

  /** As a client that wants to know: again while there is no answer, or another request of its own is under way. */
  const insist = async ({ send }: Begun): Promise<Answer> => {
    for (let tries = 1; ; tries++) {
      const answer = await send();
      const isOver = answer.status < 500 && answer.body.type !== 'urn:lethe:problem:idempotency.in-use';
      if (isOver || tries === triesMax) return answer;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const repeats = ({ isToldOnce, answers: [, again] }: Begun, { body, position }: Answer) =>
    isToldOnce ? expect.objectContaining({ status: again }) : { status: again, body, position };

  it('is one of these, and there is no other', () => {
    expect(
      routes
        .filter((route) => route.writes)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...names].sort());
    const others = routes.filter(({ verb, writes: does }) => verb !== 'get' && !does);
    expect(others.map(({ name }) => name)).toEqual(['post /v1/subjects/lookup']);
  });

  it.each(names)('%s, sent again, is answered as the first time and leaves one fact', async (name) => {
    const write = await begin(name);
    const first = await write.send();
    expect(first.status).toBe(write.answers[0]);
    expect(await write.facts()).toEqual(write.once);
    for (let n = 0; n < 2; n++) expect(await write.send()).toEqual(repeats(write, first));
    expect(await write.facts()).toEqual(write.once);
  });

  it.each(names)('%s, raced by itself, is answered once as the first time and leaves one fact', async (name) => {
    const write = await begin(name);
    const answers = await Promise.all([insist(write), insist(write), insist(write)]);
    const {
      answers: [first, again],
      isToldOnce = false,
    } = write;
    expect(answers.map(({ status }) => status).sort(byNumber)).toEqual([first, again, again].sort(byNumber));
    const told = answers.filter(({ status }) => status < 300).map(({ body }) => body);
    expect(told).toHaveLength(isToldOnce ? 1 : 3);
    for (const body of told) expect(body).toEqual(told[0]);
    expect(await write.facts()).toEqual(write.once);
  });

  it.each(names)('%s, sent again after other writes, leaves one fact', async (name) => {
    const [write, second, third] = [await begin(name), await begin(name), await begin(name)];
    const first = await write.send();
    for (const other of [second, third]) expect((await other.send()).status).toBe(other.answers[0]);
    // Its place in the log may be a later one: that of the stream, which others may share.
    const again = await write.send();
    expect(again.status).toBe(write.answers[1]);
    expect(write.isToldOnce ? first.body : again.body).toEqual(first.body);
    expect((await second.send()).status).toBe(second.answers[1]);
    for (const each of [write, second, third]) expect(await each.facts()).toEqual(each.once);
  });

  it.each(withOther)('%s, under the same name with another body, is refused and leaves one fact', async (name) => {
    const write = await begin(name);
    const { status } = await write.send();
    const other = await write.send(write.other);
    expect([status, other.status]).toEqual([write.answers[0], write.keyed ? 422 : 409]);
    expect(await write.facts()).toEqual(write.once);
  });

  it.each(names.flatMap((name) => faults.map((fault) => [name, fault] as const)))(
    '%s, whose store fails by %s at any of its facts, is done once by a client that insists',
    async (name, fault) => {
      for (let at = 0, isPlanned = true; isPlanned; at++) {
        const write = await begin(name);
        const { came } = planned.plan(at, fault);
        const answer = await insist(write);
        planned.clear();
        isPlanned = came();
        const isLost = write.isToldOnce && fault === 'answer-lost' && isPlanned;
        expect(isLost ? [write.answers[1]] : write.answers).toContain(answer.status);
        expect(await write.facts()).toEqual(write.once);
        expect(isPlanned || at > 0).toBe(true);
      }
    },
  );
});
