import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandBus } from '@nestjs/cqrs';
import { SqliteDocuments } from '#lib/adapters-embedded';
import { TenantId } from '#lib/core';
import { type Job, Jobs, JobsUnavailable } from '#lib/ports';
import type { ErasureSaga } from '#lib/templates/contract';
import { TestClock } from '../../../test/support/clock.js';
import { DueView } from './due.view.js';
import { DueEraser } from './due-eraser.js';

const tenant = TenantId.parse('here');
const hourMs = 3_600_000;

/** Knows what it was asked for until it loses all of it. */
class ForgetfulJobs extends Jobs {
  readonly known = new Map<string, number>();
  isAway = false;
  asked = 0;

  handle(): void {}

  async schedule({ subject }: Job, at: Date): Promise<void> {
    this.asked += 1;
    if (this.isAway) throw new JobsUnavailable();
    this.known.set(subject, at.getTime());
  }

  async cancel(): Promise<void> {}

  async waiting(): Promise<number> {
    return this.known.size;
  }

  async close(): Promise<void> {}
}

describe('a hint at what comes due', () => {
  const folder = mkdtempSync(join(tmpdir(), 'due-'));
  const documents = new SqliteDocuments(join(folder, 'views.db'), 'views');
  const clock = new TestClock();
  const soon = new Map<string, number>();
  let jobs: ForgetfulJobs;
  let eraser: DueEraser;

  beforeAll(async () => {
    const nowMs = clock.now().getTime();
    const due = (id: string, atMs: number) => ({ id, key: new Date(atMs).toISOString(), sequence: 1, body: {} });
    for (let n = 0; n < 1_100; n++) soon.set(`soon-${n}`, nowMs + 60_000 + n * 1_000);
    const puts = [...soon].map(([id, atMs]) => due(id, atMs));
    puts.push(due('past', nowMs - 1_000), due('later', nowMs + 2 * hourMs));
    await documents.write(tenant, { collection: 'due', puts, removes: [] });
  });
  beforeEach(() => {
    jobs = new ForgetfulJobs();
    const { view, commands, saga } = {
      view: new DueView(documents),
      commands: {} as CommandBus,
      saga: {} as ErasureSaga,
    };
    eraser = new DueEraser(view, documents, commands, saga, jobs, clock);
  });
  afterAll(async () => {
    await documents.close();
    rmSync(folder, { recursive: true });
  });

  it('asks for a job at its time for each, however many, and for none that is due already or later', async () => {
    await eraser.hint(tenant, hourMs);
    expect(jobs.known).toEqual(soon);
  });

  it('asks for every one that was lost again', async () => {
    await eraser.hint(tenant, hourMs);
    jobs.known.clear();
    await eraser.hint(tenant, hourMs);
    expect(jobs.known).toEqual(soon);
  });

  it('ends with the first one when the queue is out of reach', async () => {
    jobs.isAway = true;
    await expect(eraser.hint(tenant, hourMs)).rejects.toMatchObject({ name: 'JobsUnavailable' });
    expect(jobs.asked).toBe(1);
  });
});
