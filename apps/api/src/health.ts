import { Controller, Get, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { operator } from '#lib/core';
import { AllowedToAnyone, httpRefusals, Reads } from '#lib/http';
import { Clock, Documents, EventStore, KeyService, KeyTable, Vault } from '#lib/ports';
import { ViewLag } from './view-lag.js';

const checkMaxMs = 1_000;
const probe = 'readiness';

const Dependency = z.object({ name: z.string().max(40), state: z.enum(['up', 'down']) }).meta({ id: 'Dependency' });
type Dependency = z.output<typeof Dependency>;

const Alive = z.object({ status: z.literal('alive') }).meta({ id: 'Alive' });
const Ready = z.object({ status: z.literal('ready'), dependencies: z.array(Dependency).max(20) }).meta({ id: 'Ready' });

/** Whether each thing that a promise needs can be used now. Reads only, each within a second. */
@Injectable()
export class Readiness {
  private readonly checks: ReadonlyMap<string, () => Promise<unknown>>;

  constructor(
    store: EventStore,
    documents: Documents,
    vault: Vault,
    table: KeyTable,
    keys: KeyService,
    lag: ViewLag,
    private readonly clock: Clock,
  ) {
    this.checks = new Map<string, () => Promise<unknown>>([
      ['event-store', () => store.head(operator)],
      ['views', () => documents.position(operator, probe)],
      ['vault', () => vault.get(operator, probe, [probe])],
      ['key-table', () => table.get(operator, probe)],
      ['keys', () => keys.check()],
      ['feed', async () => fed(await lag.stalled())],
    ]);
  }

  dependencies(): Promise<Dependency[]> {
    return Promise.all(
      [...this.checks].map(async ([name, check]) => ({ name, state: (await this.holds(check)) ? 'up' : 'down' })),
    );
  }

  private async holds(check: () => Promise<unknown>): Promise<boolean> {
    const patience = new AbortController();
    const late = this.clock.sleep(checkMaxMs, patience.signal).then(() => false);
    const checked = check().then(
      () => true,
      () => false,
    );
    return Promise.race([checked, late]).finally(() => patience.abort());
  }
}

function fed(stalled: readonly string[]): void {
  if (stalled.length > 0) throw new Error(`not fed: ${stalled.join(', ')}`);
}

@Controller('healthz')
export class HealthRoute {
  /** Says that the process runs, and nothing of what it needs. */
  @Get()
  @AllowedToAnyone()
  @Reads(Alive)
  health() {
    return { status: 'alive' };
  }
}

@Controller('readyz')
export class ReadyRoute {
  constructor(private readonly readiness: Readiness) {}

  /** 200 while every promise can be kept; otherwise a 503 that names what is down. */
  @Get()
  @AllowedToAnyone()
  @Reads(Ready)
  async ready() {
    const dependencies = await this.readiness.dependencies();
    if (dependencies.some(({ state }) => state === 'down')) throw httpRefusals['not-ready']({ dependencies });
    return { status: 'ready', dependencies };
  }
}
