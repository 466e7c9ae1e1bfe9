import type { Redis } from 'ioredis';
import { z } from 'zod';
import { TenantId } from '#lib/core';
import type { Clock, Eviction, Random } from '#lib/ports';

const repeatMs = 1_000;
const Id = z.string().max(200);
const Question = z.strictObject({
  id: Id,
  from: Id,
  ask: z.enum(['evict', 'holds']),
  tenant: TenantId,
  templateId: Id,
});
const Answer = z.strictObject({ id: Id, says: z.enum(['yes', 'no', 'failed']) });

export interface CallsParts {
  /** Fails fast; for what is said. */
  readonly saying: Redis;
  /** For what is heard, and nothing else. */
  readonly hearing: Redis;
  readonly prefix: string;
  readonly ticks: Clock;
  readonly random: Random;
}

/** What is asked, `yes` meaning: it is done, or it is so. */
export type Asked = z.infer<typeof Question>['ask'];
export type Says = z.infer<typeof Answer>['says'];

/**
 * Questions to nodes, and their answers, by Redis: a message may be lost, so a question goes out every second until it is
 * answered. Only ids are in it.
 */
export class RedisCalls {
  private readonly self: string;
  private readonly pending = new Map<string, (says: Says) => void>();
  private readonly nodes = new Map<string, (ask: Asked, eviction: Eviction) => Promise<boolean>>();
  private readonly answering = new Set<string>();
  private readonly listening: Promise<unknown>;

  constructor(private readonly parts: CallsParts) {
    this.self = parts.random.uuid();
    parts.hearing.on('message', (channel: string, message: string) => this.hear(channel, message));
    this.listening = parts.hearing.subscribe(this.answersTo(this.self));
    // It rejects when the connection is ended, and nobody may wait for it then.
    this.listening.catch(() => undefined);
  }

  /** Answers for a node from now on. Does not wait for Redis: a node that is not heard yet is asked again. */
  answerFor(nodeId: string, handler: (ask: Asked, eviction: Eviction) => Promise<boolean>): void {
    this.nodes.set(nodeId, handler);
    this.parts.hearing.subscribe(this.questionsTo(nodeId)).catch(() => undefined);
  }

  answerNoMore(nodeId: string): void {
    this.nodes.delete(nodeId);
    this.parts.hearing.unsubscribe(this.questionsTo(nodeId)).catch(() => undefined);
  }

  /** What a node answers; never where it does not. `failed` where it cannot. Asks no more when `signal` is aborted. */
  async ask(nodeId: string, ask: Asked, { tenant, templateId }: Eviction, signal: AbortSignal): Promise<Says> {
    const id = this.parts.random.uuid();
    const answered = new AbortController();
    const answer = new Promise<Says>((resolve) => {
      this.pending.set(id, (says) => {
        resolve(says);
        answered.abort();
      });
    });
    const over = AbortSignal.any([signal, answered.signal]);
    over.addEventListener('abort', () => this.pending.delete(id), { once: true });
    const question = JSON.stringify({ id, from: this.self, ask, tenant, templateId } satisfies z.input<
      typeof Question
    >);
    void this.listening.then(async () => {
      while (!over.aborted) {
        await this.parts.saying.publish(this.questionsTo(nodeId), question).catch(() => undefined);
        await this.parts.ticks.sleep(repeatMs, over);
      }
    });
    return answer;
  }

  private questionsTo(nodeId: string): string {
    return `${this.parts.prefix}nodes:${nodeId}`;
  }

  private answersTo(asker: string): string {
    return `${this.parts.prefix}nodes-answers:${asker}`;
  }

  private hear(channel: string, message: string): void {
    if (channel === this.answersTo(this.self)) {
      const { data } = Answer.safeParse(parsed(message));
      if (data) this.pending.get(data.id)?.(data.says);
      return;
    }
    const { data } = Question.safeParse(parsed(message));
    const handler = this.nodes.get(channel.slice(this.questionsTo('').length));
    if (data && handler && !this.answering.has(data.id)) void this.answer(data, handler);
  }

  private async answer(
    { id, from, ask, tenant, templateId }: z.infer<typeof Question>,
    handler: (ask: Asked, eviction: Eviction) => Promise<boolean>,
  ): Promise<void> {
    this.answering.add(id);
    let says: Says = 'failed';
    try {
      says = (await handler(ask, { tenant, templateId })) ? 'yes' : 'no';
    } catch {
      // Whoever asked counts it as no answer, and asks again.
    }
    this.answering.delete(id);
    const answer = JSON.stringify({ id, says } satisfies z.input<typeof Answer>);
    await this.parts.saying.publish(this.answersTo(from), answer).catch(() => undefined);
  }
}

function parsed(message: string): unknown {
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
}
