import { TenantId } from '#lib/core';
import { type Guard, GuardConflict, RevisionConflict } from '#lib/ports';
import { type KnownCommit, Places, planBatch, type Question, type Waiting } from './commit-plan.js';

const tenant = TenantId.parse('here');

/** Waits to be stored in `stream` after `expected`; its events have the ids 'ID-1', 'ID-2' ... */
function waiting(
  id: string,
  stream: string,
  expected: number,
  { guards = [] as readonly Guard[], count = 1 } = {},
): Waiting {
  const events = idsOf(id, count).map((each) => ({
    id: each,
    type: 'test.counted',
    version: 1,
    data: {},
    at: '2026-01-01T00:00:00.000Z',
    actor: 'tester',
  }));
  return { commit: { tenant, stream, expected, events, guards } };
}

const stored = (id: string, stream: string, base: number, first: number, count = 1): KnownCommit => {
  return { stream, base, last: base + count, first, end: first + count - 1, ids: idsOf(id, count) };
};

const idsOf = (id: string, count: number) => Array.from({ length: count }, (_, n) => `${id}-${n + 1}`);

/** Plans at head 10 with remembered ends of streams, answering questions from `log`; and which questions there were. */
function planned(commits: readonly Waiting[], log: readonly KnownCommit[] = [], ends: Record<string, number> = {}) {
  const places = new Places((stream) => ends[stream] ?? 0);
  const asked: Question[] = [];
  for (let rounds = 0; rounds < 10; rounds++) {
    const plan = planBatch(commits, places, 10);
    if (plan.questions.length === 0) return { ...plan, asked, rounds, places };
    asked.push(...plan.questions);
    const answers = log.filter(({ stream, base, last }) =>
      plan.questions.some((each) => each.stream === stream && each.revision === (each.about === 'end' ? last : base)),
    );
    places.answered(plan.questions, answers);
  }
  throw new Error('it asks for ever');
}

const nameOf = ({ commit }: Waiting) => commit.events[0]?.id.slice(0, -2);
const insertedIn = ({ inserts }: ReturnType<typeof planned>) =>
  inserts.map(({ of, place: { first, end } }) => [nameOf(of), first, end]);
const answersOf = ({ answers }: ReturnType<typeof planned>) =>
  answers.map(({ of, answer }) => [nameOf(of), typeof answer === 'number' ? answer : answer.constructor]);

describe('planBatch', () => {
  it('asks nothing about commits without guards whose streams are known, and puts them behind the head', () => {
    const plan = planned([waiting('a', 'x', 0, { count: 3 }), waiting('b', 'y', 7)], [], { y: 7 });
    expect([insertedIn(plan), plan.asked]).toEqual([
      [
        ['a', 11, 13],
        ['b', 14, 14],
      ],
      [],
    ]);
  });

  it('asks for every guard, each once and all in one go', () => {
    const guards = [
      { stream: 'consent', revision: 3 },
      { stream: 'purpose', revision: 0 },
    ];
    const plan = planned([waiting('a', 'x', 0, { guards }), waiting('b', 'y', 0, { guards })], [], { consent: 3 });
    expect(insertedIn(plan)).toHaveLength(2);
    expect(plan.rounds).toBe(1);
    expect(plan.asked).toEqual(guards.map((guard) => ({ ...guard, about: 'beginning' })));
  });

  it.each([
    ['moved', [stored('m', 'consent', 3, 9)], 3],
    ['is remembered further on', [], 4],
    ['never stood there', [], 2],
    ['stands there in the midst of a commit', [stored('m', 'consent', 2, 9, 2)], 2],
  ])('refuses a commit whose guard %s, after asking whether it is a repeat', (_, log, end) => {
    const guards = [{ stream: 'consent', revision: 3 }];
    const plan = planned([waiting('a', 'x', 0, { guards }), waiting('b', 'y', 0)], log, { consent: end });
    expect([answersOf(plan), insertedIn(plan)]).toEqual([[['a', GuardConflict]], [['b', 11, 11]]]);
    expect(plan.asked).toContainEqual({ stream: 'x', revision: 0, about: 'beginning-again' });
  });

  it('answers a repeat as before, though its guard moved since', () => {
    const guards = [{ stream: 'consent', revision: 3 }];
    const log = [stored('m', 'consent', 3, 9), stored('a', 'x', 0, 8)];
    expect(answersOf(planned([waiting('a', 'x', 0, { guards })], log, { consent: 3 }))).toEqual([['a', 8]]);
  });

  it('refuses who comes too late, too early, or in the midst of a commit', () => {
    const log = [stored('m', 'x', 0, 4, 2), stored('n', 'x', 2, 6)];
    const commits = [0, 1, 5].map((expected) => waiting(`a${expected}`, 'x', expected));
    expect(answersOf(planned(commits.slice(1), log))).toEqual([
      ['a1', RevisionConflict],
      ['a5', RevisionConflict],
    ]);
    expect(answersOf(planned(commits, log, { x: 3 }))).toEqual([
      ['a0', RevisionConflict],
      ['a1', RevisionConflict],
      ['a5', RevisionConflict],
    ]);
  });

  it.each([
    ['one event more', 3],
    ['one event less', 1],
  ])('takes a commit with %s for another commit', (_, count) => {
    const log = [stored('a', 'x', 0, 4, 2)];
    expect(answersOf(planned([waiting('a', 'x', 0, { count })], log, { x: 2 }))).toEqual([['a', RevisionConflict]]);
  });

  it('finds out where a stream ends that nothing is remembered of', () => {
    const plan = planned([waiting('a', 'x', 3)], [stored('m', 'x', 1, 4, 2)]);
    expect([insertedIn(plan), plan.rounds]).toEqual([[['a', 11, 11]], 1]);
  });

  it('counts commits of the batch as written for those behind them', () => {
    const guards = [{ stream: 'x', revision: 1 }];
    const plan = planned([waiting('a', 'x', 0), waiting('b', 'y', 0, { guards }), waiting('c', 'x', 1)]);
    expect(insertedIn(plan)).toEqual([
      ['a', 11, 11],
      ['b', 12, 12],
      ['c', 13, 13],
    ]);
    expect(plan.asked).toEqual([]);
  });

  it('refuses nobody on account of a commit that is not stored yet', () => {
    const guards = [{ stream: 'x', revision: 0 }];
    const commits = [
      waiting('a', 'x', 0),
      waiting('b', 'x', 0),
      waiting('a', 'x', 0),
      waiting('c', 'y', 0, { guards }),
    ];
    const plan = planned(commits);
    expect([insertedIn(plan), plan.later.map(nameOf), answersOf(plan)]).toEqual([[['a', 11, 11]], ['b', 'a', 'c'], []]);
  });

  it('asks for a place that seemed free when the index said that it is not', () => {
    const plan = planned([waiting('a', 'x', 0)]);
    plan.places.doubt('x', 0);
    expect(planBatch([waiting('a', 'x', 0)], plan.places, 10).questions).toEqual([
      { stream: 'x', revision: 0, about: 'beginning' },
    ]);
  });

  it('asks once more before it refuses, as what was sent earlier may have come meanwhile', () => {
    const ends: Record<string, number> = {};
    const places = new Places((stream) => ends[stream] ?? 0);
    const commit = waiting('a', 'x', 5);
    const first = planBatch([commit], places, 10);
    places.answered(first.questions, []);
    ends.x = 6;
    const second = planBatch([commit], places, 10);
    expect([second.answers, second.questions]).toEqual([[], [{ stream: 'x', revision: 5, about: 'beginning-again' }]]);
    places.answered(second.questions, [stored('a', 'x', 5, 12)]);
    expect(planBatch([commit], places, 10).answers).toEqual([{ of: commit, answer: 12 }]);
  });

  it('takes what others stored behind the head for what it is', () => {
    const guards = [{ stream: 'consent', revision: 0 }];
    const commits = [waiting('a', 'x', 0, { guards }), waiting('b', 'y', 0)];
    const { places } = planned(commits);
    for (const commit of [stored('m', 'consent', 0, 11), stored('b', 'y', 0, 12)]) places.seen(commit);
    const plan = planBatch(commits, places, 12);
    expect(plan.questions).toEqual([{ stream: 'x', revision: 0, about: 'beginning-again' }]);
    places.answered(plan.questions, []);
    expect(planBatch(commits, places, 12).answers.map(({ answer }) => answer)).toEqual([expect.any(GuardConflict), 12]);
  });
});
