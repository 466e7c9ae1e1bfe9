import { Injectable, Logger } from '@nestjs/common';
import { ActorId, type EventOf, type TenantId } from '#lib/core';
import { Generations } from '#lib/keys/contract';
import { Clock, Streams } from '#lib/ports';
import { ErasureStores } from './erasure-stores.js';
import {
  type ErasureStep,
  type Template,
  TemplateErased,
  TemplateErasureStepDone,
  TemplateStream,
  templateIn,
  templateKey,
} from './template.stream.js';
import { Turns } from './turns.js';

const lanes = 32;
const pausesMs = [100, 400, 1_600];
const actor = ActorId.parse('erasure');

/** Which template: whose, for what, and its id. */
export type TemplateName = Pick<Template['terms'], 'templateId' | 'subjectId' | 'purposeId'>;

/** What one pass over all stores came to. */
export interface Pass {
  /** What the erasers did. A store that failed has no step here. */
  readonly steps: readonly ErasureStep[];
  /** Whether every eraser did its work and every prober then found nothing. */
  readonly isWhole: boolean;
  /** The key generation that was open after the key was destroyed: older copies of it end with this one. */
  readonly generation: number;
}

/**
 * What is recorded of a pass: each step once, however often it had to be done again; and that the template is erased only
 * when nothing is left anywhere (P5).
 */
export function recordPass(
  templates: readonly Template[],
  { templateId, subjectId, purposeId }: TemplateName,
  { steps, isWhole, generation }: Pass,
): (EventOf<typeof TemplateErasureStepDone> | EventOf<typeof TemplateErased>)[] {
  const { state, trigger, steps: known } = templateIn(templates, templateId);
  if (state !== 'erasing' || !trigger) return [];
  const of = { templateId, subjectId, purposeId };
  const isKnown = (step: ErasureStep) => known.some((each) => each.step === step.step && each.store === step.store);
  const done = steps.filter((step) => !isKnown(step)).map((step) => TemplateErasureStepDone({ ...of, ...step }));
  return isWhole ? [...done, TemplateErased({ ...of, trigger, generation })] : done;
}

/**
 * Erases templates whose erasure was begun. Its state is the template's own stream: it may stop anywhere and be run again,
 * by several at once, and records a step once (P5).
 */
@Injectable()
export class ErasureSaga {
  private readonly running = new Map<string, Promise<boolean>>();
  private readonly turns = new Turns(lanes);
  private readonly closing = new AbortController();
  private readonly log = new Logger(ErasureSaga.name);

  constructor(
    private readonly streams: Streams,
    private readonly stores: ErasureStores,
    private readonly generations: Generations,
    private readonly clock: Clock,
  ) {}

  /**
   * Passes over the stores until nothing is left, a few times with pauses; answers whether nothing is left. Never throws:
   * what is unfinished stays listed in `UnfinishedErasures`, for a sweep to run again.
   */
  run(tenant: TenantId, name: TemplateName): Promise<boolean> {
    const place = `${tenant}/${name.templateId}`;
    const begun = this.running.get(place);
    if (begun) return begun;
    const run = this.turns.take(() => this.attempt(tenant, name)).finally(() => this.running.delete(place));
    this.running.set(place, run);
    return run;
  }

  /** Begins no further pass; resolves when none is under way. */
  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all(this.running.values());
  }

  private async attempt(tenant: TenantId, name: TemplateName): Promise<boolean> {
    for (const pauseMs of [0, ...pausesMs]) {
      if (pauseMs > 0) await this.clock.sleep(pauseMs, this.closing.signal);
      if (this.closing.signal.aborted) return false;
      try {
        if (await this.pass(tenant, name)) return true;
      } catch (error) {
        this.log.error(`a pass over ${name.templateId} failed: ${nameOf(error)}`);
      }
    }
    this.log.error(`template ${name.templateId} is not erased yet`);
    return false;
  }

  /** Every store is tried, whatever another one says: what can go now goes now. */
  private async pass(tenant: TenantId, name: TemplateName): Promise<boolean> {
    const key = templateKey(name);
    const { state: templates } = await this.streams.load(tenant, TemplateStream, key);
    const template = templateIn(templates, name.templateId);
    if (template.state !== 'erasing') return template.state === 'erased';
    const steps = await this.eraseAll(tenant, template);
    const probes = await this.probeAll(tenant, template);
    const stores = this.stores.all().length;
    const isWhole = steps.length === stores && probes.length === stores;
    const generation = await this.generations.openGeneration(tenant);
    const pass = { steps: isWhole ? [...steps, ...probes] : steps, isWhole, generation };
    await this.streams.change({ tenant, actor }, TemplateStream, key, (now) => recordPass(now, name, pass));
    return isWhole;
  }

  private now(): string {
    return this.clock.now().toISOString();
  }

  private async eraseAll(tenant: TenantId, template: Template): Promise<ErasureStep[]> {
    const steps: ErasureStep[] = [];
    for (const { eraser } of this.stores.all()) {
      try {
        const done = await eraser.erase(tenant, template);
        steps.push({ step: eraser.step, store: eraser.store, ...done, doneAt: this.now() });
      } catch (error) {
        this.log.error(`${eraser.store} did not erase ${template.terms.templateId}: ${nameOf(error)}`);
      }
    }
    return steps;
  }

  private async probeAll(tenant: TenantId, template: Template): Promise<ErasureStep[]> {
    const found = await Promise.all(
      this.stores.all().map(async ({ prober }) => {
        try {
          return { store: prober.store, outcome: await prober.probe(tenant, template), doneAt: this.now() };
        } catch (error) {
          this.log.error(`${prober.store} cannot be probed: ${nameOf(error)}`);
          return { store: prober.store, outcome: 'present' as const, doneAt: this.now() };
        }
      }),
    );
    return found.flatMap(({ store, outcome, doneAt }) =>
      outcome === 'absent' ? [{ step: 'probe', store, outcome, doneAt }] : [],
    );
  }
}

/** What kind of error it was. Its text may hold anything, so it stays out of the log. */
const nameOf = (error: unknown): string =>
  error instanceof Object && 'name' in error ? String(error.name) : 'unknown';
