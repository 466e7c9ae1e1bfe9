import { Controller, Get, Injectable, Param } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { ConsentStream, type Consents, consentKey, continues } from '#lib/consent/contract';
import { type Caller, Instant, type TenantId } from '#lib/core';
import { AllowedTo, FromCaller, Reads } from '#lib/http';
import { reading, Streams } from '#lib/ports';
import { TemplateParams } from './show-template.js';
import {
  ErasureStep,
  ErasureTrigger,
  refusals,
  type Template,
  TemplateId,
  TemplateStream,
  templateKey,
} from './template.stream.js';
import { TemplateIdStream } from './template-id.stream.js';

/** Erasers and probers of a few stores, each recorded once. */
const stepsMax = 100;

export const StepShown = ErasureStep.omit({ doneAt: true }).extend({ at: Instant });

/** How far an erasure has come. From `blockedAt` on nothing matched the template. */
export const ErasureShown = z
  .object({
    templateId: TemplateId,
    state: z.enum(['erasing', 'erased']),
    trigger: ErasureTrigger,
    blockedAt: Instant,
    erasedAt: Instant.nullable(),
    steps: z.array(StepShown).max(stepsMax),
  })
  .meta({ id: 'Erasure' });
export type ErasureShown = z.output<typeof ErasureShown>;

/** A template whose erasure was begun, with all that is known of it then. */
export type Erasure = Template & Required<Pick<Template, 'trigger' | 'blockedAt'>>;

/** Finds erasures by the id of their template, in the streams: what a write answered is never missing here. */
@Injectable()
export class Erasures {
  constructor(private readonly streams: Streams) {}

  /** @throws Refusal `templates.missing` when there is no such template, or it is not being erased */
  async of(tenant: TenantId, templateId: TemplateId): Promise<Erasure> {
    const { state: owner } = await this.streams.load(tenant, TemplateIdStream, templateId);
    if (!owner) throw refusals.missing();
    const [{ state: templates }, { state: consents }] = await this.streams.loadMany(tenant, [
      reading(TemplateStream, templateKey(owner)),
      reading(ConsentStream, consentKey(owner)),
    ]);
    const template = templates.find(({ terms }) => terms.templateId === templateId);
    const erasure = template && erasureOf(template, consents);
    if (!erasure) throw refusals.missing();
    return erasure;
  }
}

/**
 * The erasure of a template, if there is one. From a withdrawal on there is, although it is begun by another process, and
 * a moment later: whoever was told of it by the answer finds it.
 */
export function erasureOf(template: Template, consents: Consents): Erasure | undefined {
  const { trigger, blockedAt, terms } = template;
  if (trigger && blockedAt) return { ...template, trigger, blockedAt };
  const withdrawn = consents.consents.find((each) => each.withdrawnAt && continues(consents, terms.consentId, each));
  return withdrawn?.withdrawnAt
    ? { ...template, trigger: 'consent-withdrawn', blockedAt: withdrawn.withdrawnAt }
    : undefined;
}

export class ShowErasure extends Query<ErasureShown> {
  constructor(
    readonly caller: Caller,
    readonly templateId: TemplateId,
  ) {
    super();
  }
}

@QueryHandler(ShowErasure)
export class ShowErasureHandler implements IQueryHandler<ShowErasure> {
  constructor(private readonly erasures: Erasures) {}

  async execute({ caller: { tenant }, templateId }: ShowErasure): Promise<ErasureShown> {
    const { state, trigger, blockedAt, erasedAt = null, steps } = await this.erasures.of(tenant, templateId);
    return {
      templateId,
      state: state === 'erased' ? state : 'erasing',
      trigger,
      blockedAt,
      erasedAt,
      steps: [...steps],
    };
  }
}

@Controller('v1/erasures/:templateId')
export class ShowErasureRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('backend', 'device', 'registrar', 'dpo', 'auditor')
  @Reads(ErasureShown)
  show(@FromCaller() caller: Caller, @Param({ schema: TemplateParams }) { templateId }: TemplateParams) {
    return this.queries.execute(new ShowErasure(caller, templateId));
  }
}
