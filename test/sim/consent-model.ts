/** What one person does. Ids are made when it is done. */
export type Act =
  | { readonly does: 'give'; readonly lastsDays: number }
  | { readonly does: 'withdraw' | 'erase-template'; readonly which: number }
  | { readonly does: 'erase-subject' | 'suspend' | 'activate' | 'sweep' | 'enrol' | 'match' }
  | { readonly does: 'change-card' | 'assess' }
  | { readonly does: 'publish'; readonly material: boolean }
  | { readonly does: 'wait'; readonly days: number };

/** An act, from the count at which it began to the one at which its answer was there, and that answer. */
export interface Done {
  readonly act: Act;
  readonly beganAt: number;
  readonly endedAt: number;
  readonly id: string;
  readonly status: number;
  readonly body: Told;
}

/** What is looked at of an answer. */
interface Told {
  readonly decision?: string;
  readonly reason?: string;
  readonly consentId?: string;
  readonly state?: string;
  readonly validUntil?: string;
  readonly version?: number;
  readonly noticeVersion?: number;
}

interface Given {
  readonly id: string;
  readonly validUntilMs: number;
  readonly noticeVersion: number;
  /** The consent that it renewed, that one's, and so on: the first of them. */
  readonly chain: string;
  withdrawn: boolean;
  replaced: boolean;
}

const isDone = ({ status }: Done) => status >= 200 && status < 300;
const of = (round: readonly Done[], ...what: readonly Act['does'][]) =>
  round.filter((done) => what.includes(done.act.does));

/** Takes away from what is permitted, or may do so. */
const takes: readonly Act['does'][] = [
  'withdraw',
  'erase-template',
  'erase-subject',
  'suspend',
  'publish',
  'wait',
  'change-card',
];

/** Done one after the other, by those who answer for the purpose. */
const policy: readonly Act['does'][] = ['publish', 'suspend', 'activate', 'change-card', 'assess'];

/** What may be done to one face for one purpose, as simply as it can be said: the oracle of the product. */
export class Model {
  private readonly consents: Given[] = [];
  private readonly templates: { readonly id: string; readonly chain: string; erased: boolean }[] = [];
  private readonly past: Done[] = [];
  private isActive = true;
  private isErased = false;
  private noticeVersion = 1;
  private materialVersion = 1;

  constructor(private assessedUntilMs: number) {}

  get consentIds(): readonly string[] {
    return this.consents.map(({ id }) => id);
  }

  get templateIds(): readonly string[] {
    return this.templates.map(({ id }) => id);
  }

  /** The version of the notice that whoever is asked now is shown. */
  get shownVersion(): number {
    return this.noticeVersion;
  }

  private standing(nowMs: number): Given | undefined {
    return this.consents.findLast(
      ({ withdrawn, replaced, validUntilMs }) => !withdrawn && !replaced && validUntilMs > nowMs,
    );
  }

  mayProcess(nowMs: number): boolean {
    const consent = this.standing(nowMs);
    if (!consent || this.isErased || !this.isActive || this.assessedUntilMs <= nowMs) return false;
    return consent.noticeVersion >= this.materialVersion;
  }

  mayAccept(nowMs: number): boolean {
    const chain = this.standing(nowMs)?.chain;
    return this.mayProcess(nowMs) && this.templates.some((template) => !template.erased && template.chain === chain);
  }

  /**
   * Takes in a round whose acts were done by several people at once, and that began at the instant `nowMs`. Answers what in
   * it must not be. What was not decided before the round, and may have been decided in it, can be either.
   */
  take(round: readonly Done[], nowMs: number): string[] {
    const [enrols, accepts] = [this.mayProcess(nowMs), this.mayAccept(nowMs)];
    const isFull = this.templates.filter(({ erased }) => !erased).length + of(round, 'enrol').length > 10;
    const isTaken = of(round, ...takes).length > 0;
    const isGiven = of(round, 'give', 'activate', 'assess').length > 0;
    this.learn(round);

    const wrong: string[] = [];
    const judge = (done: Done, happened: boolean, must: boolean, mustNot: boolean) => {
      if (happened && mustNot) wrong.push(`${done.act.does} ${done.id} was permitted`);
      if (!happened && must)
        wrong.push(`${done.act.does} ${done.id} was refused: ${done.status} ${done.body.reason ?? ''}`);
    };
    for (const done of of(round, 'match')) {
      const isEnrolled = of(round, 'enrol').some(isDone);
      judge(done, done.body.decision === 'accept', accepts && !isTaken, !accepts && !isGiven && !isEnrolled);
    }
    for (const done of of(round, 'enrol')) {
      judge(done, isDone(done), enrols && !isTaken && !isFull, !enrols && !isGiven);
    }
    return [...wrong, ...this.tooLate(round)];
  }

  private learn(round: readonly Done[]): void {
    for (const { act, id, body } of of(round, ...policy, 'give').filter(isDone)) {
      if (act.does === 'publish') {
        this.noticeVersion = body.version ?? 0;
        if (act.material) this.materialVersion = this.noticeVersion;
      } else if (act.does === 'give') this.learnGiven(id, body);
      else if (act.does === 'change-card') this.assessedUntilMs = 0;
      else if (act.does === 'assess') this.assessedUntilMs = Date.parse(body.validUntil ?? '');
      else this.isActive = act.does === 'activate';
    }
    for (const { body } of of(round, 'withdraw').filter(isDone)) {
      for (const consent of this.consents) if (consent.id === body.consentId) consent.withdrawn = true;
    }
    for (const { id, body } of of(round, 'enrol').filter(isDone)) {
      this.templates.push({ id, chain: this.chainOf(body.consentId), erased: false });
    }
    for (const { id } of of(round, 'erase-template').filter(isDone)) {
      for (const template of this.templates) if (template.id === id) template.erased = true;
    }
    if (of(round, 'erase-subject').some(isDone)) this.isErased = true;
    this.past.push(...round);
  }

  private learnGiven(id: string, { state, validUntil = '', noticeVersion = 0 }: Told): void {
    const before = state === 'renewed' ? this.consents.at(-1) : undefined;
    if (before) before.replaced = true;
    this.consents.push({
      id,
      validUntilMs: Date.parse(validUntil),
      noticeVersion,
      chain: before?.chain ?? id,
      withdrawn: false,
      replaced: false,
    });
  }

  private chainOf(consentId: string | undefined): string {
    return this.consents.find(({ id }) => id === consentId)?.chain ?? '';
  }

  /** Whatever was permitted by a consent, or to a subject, whose end had been answered before it began (P2). */
  private tooLate(round: readonly Done[]): string[] {
    return of(round, 'match', 'enrol')
      .filter((done) => isDone(done) && (done.act.does === 'enrol' || done.body.decision === 'accept'))
      .flatMap((done) => {
        const earlier = this.past.filter((other) => isDone(other) && other.endedAt < done.beganAt);
        const chain = this.chainOf(done.body.consentId);
        const isWithdrawn = of(earlier, 'withdraw').some(({ body }) => this.chainOf(body.consentId) === chain);
        const isErased = of(earlier, 'erase-subject').length > 0;
        return isWithdrawn || isErased ? [`${done.act.does} ${done.id} began after the end of ${chain}`] : [];
      });
  }
}
