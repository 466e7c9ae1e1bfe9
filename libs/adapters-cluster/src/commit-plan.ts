import { type Commit, GuardConflict, RevisionConflict } from '#lib/ports';
import { type CommitPlace, placeAt } from './commit-document.js';

/** A stored commit as far as decisions about others need it. */
export interface KnownCommit extends CommitPlace {
  readonly ids: readonly string[];
}

/** Asks the store for the commit that begins in `stream` after `revision`, or for the one that ends at it. */
export interface Question {
  readonly stream: string;
  readonly revision: number;
  readonly about: 'beginning' | 'beginning-again' | 'end';
}

/**
 * What is known of places in the streams of one tenant, as of a head of its log: a commit behind that head may be missing.
 * @param endOf the highest revision that a commit of the stream is known to end at, 0 when none is
 */
export class Places {
  private readonly asked = new Map<string, KnownCommit | null>();
  private readonly ends = new Map<string, boolean>();
  private readonly doubtful = new Set<string>();
  private readonly askedAgain = new Set<string>();

  constructor(private readonly endOf: (stream: string) => number) {}

  /** Takes what the store answered to questions: nothing begins, or ends, where no commit does. */
  answered(questions: readonly Question[], commits: readonly KnownCommit[]): void {
    for (const { stream, revision, about } of questions) {
      const key = keyOf(stream, revision);
      if (about === 'end') this.ends.set(key, false);
      else this.asked.set(key, null);
      if (about === 'beginning-again') this.askedAgain.add(key);
    }
    for (const commit of commits) this.seen(commit);
  }

  seen(commit: KnownCommit): void {
    this.asked.set(keyOf(commit.stream, commit.base), commit);
    this.ends.set(keyOf(commit.stream, commit.last), true);
  }

  /** Somebody seems to begin at the place: from now on nothing is known of it before the store was asked again. */
  doubt(stream: string, revision: number): void {
    const key = keyOf(stream, revision);
    this.doubtful.add(key);
    if (this.asked.get(key) === null) this.asked.delete(key);
  }

  isDoubtful(stream: string, revision: number): boolean {
    return this.doubtful.has(keyOf(stream, revision));
  }

  /** Whether it was asked for when there was a reason already to refuse whoever wants it. */
  isAskedAgain(stream: string, revision: number): boolean {
    return this.askedAgain.has(keyOf(stream, revision));
  }

  /** The commit that begins after the revision; null for none, undefined when it is not known. */
  beginningAt(stream: string, revision: number): KnownCommit | null | undefined {
    return this.asked.get(keyOf(stream, revision));
  }

  /** Whether the stream can stand at the revision: a commit ends there and, as far as is known, no later one. */
  canStandAt(stream: string, revision: number): boolean | undefined {
    const end = this.endOf(stream);
    if (end > revision) return false;
    return revision === 0 || end === revision || this.ends.get(keyOf(stream, revision));
  }
}

/** What waits to be stored. */
export interface Waiting {
  readonly commit: Commit;
}

/** What is to be done about commits that wait. As long as there are questions, nothing else is. */
export interface BatchPlan<W extends Waiting> {
  readonly questions: readonly Question[];
  readonly answers: readonly { readonly of: W; readonly answer: number | RevisionConflict }[];
  /** To be inserted in this order, none when one before it was not. */
  readonly inserts: readonly { readonly of: W; readonly place: CommitPlace }[];
  /** Cannot be told before those of `inserts` are stored. */
  readonly later: readonly W[];
}

/**
 * Decides about a tenant's waiting commits, in their order, on what is known of places as of `head`.
 *
 * A commit's own place is taken for free when its stream is known to have reached it: the index over (tenant, stream,
 * base) refuses what is not. A guard is always asked for. Commits of the batch count as written for those behind them,
 * but none is refused on their account: they may fail themselves, so who runs into one is told in the next batch.
 */
export function planBatch<W extends Waiting>(waiting: readonly W[], places: Places, head: number): BatchPlan<W> {
  const questions = new Map<string, Question>();
  const answers: { of: W; answer: number | RevisionConflict }[] = [];
  const inserts: { of: W; place: CommitPlace }[] = [];
  const later: W[] = [];
  const written = new Map<string, number>();
  let end = head;
  for (const of of waiting) {
    const verdict = judge(of.commit, places, written);
    if (verdict === 'later') later.push(of);
    else if (verdict === 'free') {
      const place = placeAt(of.commit, end + 1);
      end = place.end;
      written.set(place.stream, place.last);
      inserts.push({ of, place });
    } else if (Array.isArray(verdict)) {
      for (const question of verdict)
        questions.set(`${question.about} ${keyOf(question.stream, question.revision)}`, question);
    } else answers.push({ of, answer: verdict });
  }
  if (questions.size > 0) return { questions: [...questions.values()], answers: [], inserts: [], later: [] };
  return { questions: [], answers, inserts, later };
}

type Verdict = 'free' | 'later' | number | RevisionConflict | Question[];

function judge(commit: Commit, places: Places, written: ReadonlyMap<string, number>): Verdict {
  const own = { stream: commit.stream, revision: commit.expected };
  const before = written.get(own.stream);
  if (before !== undefined) return before === own.revision ? judgeGuards(commit, places, written) : 'later';
  const stored = places.beginningAt(own.stream, own.revision);
  if (stored) return isSame(stored, commit) ? stored.end : new RevisionConflict(own);
  const canStand = places.canStandAt(own.stream, own.revision);
  if (canStand === false) return refuse(commit, new RevisionConflict(own), places);
  const asks: Question[] = [];
  const isTrusted = canStand && !places.isDoubtful(own.stream, own.revision);
  if (stored === undefined && !isTrusted) asks.push({ ...own, about: 'beginning' });
  if (canStand === undefined) asks.push({ ...own, about: 'end' });
  return asks.length > 0 ? asks : judgeGuards(commit, places, written);
}

function judgeGuards(commit: Commit, places: Places, written: ReadonlyMap<string, number>): Verdict {
  const asks: Question[] = [];
  for (const guard of commit.guards ?? []) {
    const { stream, revision } = guard;
    const before = written.get(stream);
    if (before !== undefined) {
      if (before !== revision) return 'later';
      continue;
    }
    const next = places.beginningAt(stream, revision);
    const canStand = places.canStandAt(stream, revision);
    if (next || canStand === false) {
      return written.has(commit.stream) ? 'later' : refuse(commit, new GuardConflict(guard), places);
    }
    if (next === undefined) asks.push({ stream, revision, about: 'beginning' });
    if (canStand === undefined) asks.push({ stream, revision, about: 'end' });
  }
  return asks.length > 0 ? asks : 'free';
}

/**
 * Nothing is refused before its own place was asked for once more, after the reason was known: an earlier attempt to
 * store this very commit, whose answer was lost, may have taken effect late, and then it is answered as a repeat. If it
 * is not there by now it never will be: something stands in the log where it would have to go.
 */
const refuse = ({ stream, expected }: Commit, conflict: RevisionConflict, places: Places): Verdict =>
  places.isAskedAgain(stream, expected) ? conflict : [{ stream, revision: expected, about: 'beginning-again' }];

const isSame = ({ ids }: KnownCommit, { events }: Commit) =>
  ids.length === events.length && events.every(({ id }, n) => id === ids[n]);

const keyOf = (stream: string, revision: number) => `${revision}@${stream}`;
