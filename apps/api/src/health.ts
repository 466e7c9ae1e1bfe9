import { Controller, Get } from '@nestjs/common';
import { z } from 'zod';
import { AllowedToAnyone, httpRefusals, Reads } from '#lib/http';
import { Readiness } from './readiness.js';

const Dependency = z
  .object({
    name: z.string().max(40),
    state: z.enum(['up', 'down']),
    promises: z
      .array(z.string().regex(/^P\d{1,2}$/))
      .max(12)
      .optional(),
    reason: z.string().max(300).optional(),
  })
  .meta({ id: 'Dependency' });

const Alive = z.object({ status: z.literal('alive') }).meta({ id: 'Alive' });
const Ready = z
  .object({ status: z.enum(['ready', 'degraded']), dependencies: z.array(Dependency).max(20) })
  .meta({ id: 'Ready' });

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

  /**
   * 200 while this process keeps every promise that is its own: `degraded` where something is down that it does without.
   * Otherwise a 503 that says what is down, which promises are out of reach and why.
   */
  @Get()
  @AllowedToAnyone()
  @Reads(Ready)
  async ready() {
    const dependencies = await this.readiness.dependencies();
    if (dependencies.some(({ promises = [] }) => promises.length > 0))
      throw httpRefusals['not-ready']({ dependencies });
    return { status: dependencies.every(({ state }) => state === 'up') ? 'ready' : 'degraded', dependencies };
  }
}
