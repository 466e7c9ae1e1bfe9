import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { TenantId } from '#lib/core';
import { CommitHints } from './commit-hints.js';

const tenants = ['here', 'there', 'elsewhere'].map((name) => TenantId.parse(name)) as [TenantId, TenantId, TenantId];

describe('commit hints', () => {
  const url = process.env.REDIS_URL ?? '';
  const opened: CommitHints[] = [];
  const open = (prefix: string, at = url) => {
    const hints = new CommitHints({ url: at, prefix });
    opened.push(hints);
    return hints;
  };
  beforeAll(() => Logger.overrideLogger(false));
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((hints) => hints.close()));
  });
  const heard = async (hints: CommitHints) => {
    const names: string[] = [];
    await hints.listen((tenant) => names.push(tenant));
    return names;
  };
  /** Hints may be lost, so they are given until they are heard. */
  const until = async (isDone: () => boolean, act: () => void) => {
    for (let n = 0; n < 200 && !isDone(); n++) {
      act();
      await pause(25);
    }
    expect(isDone()).toBe(true);
  };

  it('reach every process that listens, and no other house on the same Redis', async () => {
    const [prefix, other] = [randomUUID(), randomUUID()];
    const [one, two, apart] = await Promise.all([heard(open(prefix)), heard(open(prefix)), heard(open(other))]);
    const teller = open(prefix);
    await until(
      () => [one, two].every((names) => tenants.every((tenant) => names.includes(tenant))),
      () => {
        for (const tenant of tenants) teller.tell(tenant);
      },
    );
    expect(apart).toEqual([]);
  });

  it('of many commits at once share a message or two', async () => {
    const prefix = randomUUID();
    const names = await heard(open(prefix));
    const teller = open(prefix);
    await until(
      () => names.length > 0,
      () => teller.tell(tenants[0]),
    );
    await pause(50);
    const before = names.length;
    for (let n = 0; n < 10_000; n++) teller.tell(tenants[1]);
    await until(
      () => names.includes(tenants[1]),
      () => undefined,
    );
    await pause(50);
    expect(names.length - before).toBeLessThanOrEqual(2);
  });

  it('are lost without Redis, and nobody waits or fails', async () => {
    const hints = open(randomUUID(), 'redis://127.0.0.1:1');
    await hints.listen(() => undefined);
    for (const tenant of tenants) hints.tell(tenant);
    await expect(hints.close()).resolves.toBeUndefined();
  });
});
