import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { TenantId } from '#lib/core';
import { dataKeyFrom, nonceBytes, open, personalBinding, seal } from '#lib/envelope';
import { Clock, Documents, KeyService, Random, type StoredDocument } from '#lib/ports';
import { refusals } from './refusals.js';

export const answersCollection = 'answers';
const collection = answersCollection;
/** Long enough for any request to end: what still runs then is of a process that died. */
const runMaxMs = 30_000;
/** How long a repeat is answered as the first time. */
const keptMs = 24 * 3_600_000;
const batchMax = 500;

/** One attempt of one caller at one route, and what it asked for. Both are keyed hashes. */
export interface Attempt {
  readonly tenant: TenantId;
  readonly id: string;
  readonly fingerprint: string;
}

export interface Answer {
  readonly status: number;
  /** The log position it told, as it stood in the header. */
  readonly position?: string | undefined;
  readonly body: unknown;
}

/** `running` without an answer, or `done` with one, whose body is sealed beside it. */
interface Stored {
  readonly fingerprint: string;
  readonly state: 'running' | 'done';
  readonly status?: number;
  readonly position?: string | undefined;
}

/**
 * What requests with an `Idempotency-Key` were answered, for a day.
 *
 * Durable. Kept in no clear form: bodies are sealed under a key of the tenant, requests are known by keyed hashes. Losing
 * them costs nothing but that a repeat runs again, which records nothing twice, for commands are idempotent themselves.
 */
@Injectable()
export class StoredAnswers {
  constructor(
    private readonly documents: Documents,
    private readonly keys: KeyService,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /**
   * The answer of an earlier, equal attempt; undefined when the caller of this is to run it, and to `keep` or `drop` it.
   * @throws idempotency.key-reused for another request, idempotency.in-use while the first one runs
   */
  async begin(attempt: Attempt): Promise<Answer | undefined> {
    const { tenant, id, fingerprint } = attempt;
    const running = this.document(id, { fingerprint, state: 'running' });
    const stored = await this.documents.create<Stored>(tenant, collection, running);
    if (!stored) return undefined;
    if (this.isOver(stored)) return this.takeOver(attempt, stored, running);
    if (stored.body.fingerprint !== fingerprint) throw refusals['key-reused']();
    if (stored.body.state === 'done') return this.unsealed(tenant, stored);
    if (this.ageMs(stored) < runMaxMs) throw refusals['in-use']({ retryAfterSeconds: 1 });
    return this.takeOver(attempt, stored, running);
  }

  /** From now on this is the answer. Durable when it resolves. */
  async keep({ tenant, id, fingerprint }: Attempt, { status, position, body }: Answer): Promise<void> {
    const plaintext = Buffer.from(JSON.stringify({ body }));
    const bytes = seal(await this.key(tenant, id), plaintext, binding(tenant, id), this.random.bytes(nonceBytes));
    const done = this.document(id, { fingerprint, state: 'done', status, position });
    await this.documents.write(tenant, { collection, puts: [{ ...done, bytes }], removes: [] });
  }

  /** The attempt came to nothing: the next one runs. */
  async drop({ tenant, id }: Attempt): Promise<void> {
    await this.documents.write(tenant, { collection, puts: [], removes: [id] });
  }

  /** Removes what is older than a day, in batches; answers how many. To be called now and then. */
  async sweep(tenant: TenantId, now: Date): Promise<number> {
    const below = new Date(now.getTime() - keptMs).toISOString();
    for (let removed = 0; ; ) {
      const old = await this.documents.range(tenant, collection, { from: '', below, limit: batchMax });
      if (old.length === 0) return removed;
      await this.documents.write(tenant, { collection, puts: [], removes: old.map(({ id }) => id) });
      removed += old.length;
    }
  }

  /** Of all who find the same attempt dead or over, one runs it: the one whose claim to it comes first. */
  private async takeOver(
    { tenant, id }: Attempt,
    { key }: StoredDocument<Stored>,
    running: StoredDocument<Stored>,
  ): Promise<undefined> {
    const claim = { ...running, id: `${id} after ${key}` };
    if (await this.documents.create(tenant, collection, claim)) throw refusals['in-use']({ retryAfterSeconds: 1 });
    await this.documents.write(tenant, { collection, puts: [running], removes: [] });
  }

  private document(id: string, body: Stored): StoredDocument<Stored> {
    return { id, key: this.clock.now().toISOString(), sequence: 0, body };
  }

  private ageMs({ key }: StoredDocument): number {
    return this.clock.now().getTime() - Date.parse(key);
  }

  private isOver(stored: StoredDocument): boolean {
    return this.ageMs(stored) >= keptMs;
  }

  private async unsealed(tenant: TenantId, { id, body, bytes }: StoredDocument<Stored>): Promise<Answer | undefined> {
    const opened = open(await this.key(tenant, id), bytes ?? new Uint8Array(), binding(tenant, id));
    if (!opened.ok) throw new Error('A stored answer does not open: it was changed, or is of other keys');
    const { status = 200, position } = body;
    return { status, position, body: JSON.parse(opened.plaintext.toString()).body };
  }

  private async key(tenant: TenantId, id: string) {
    const secret = await this.keys.secret(tenant, 'idempotency-answers');
    return dataKeyFrom(createHmac('sha256', secret).update(id).digest());
  }
}

/** Bound to its attempt: one answer moved to the place of another does not open. */
const binding = (tenant: TenantId, id: string) =>
  personalBinding({ tenant, subject: id, context: 'idempotency.answer', keyId: id });
