import { Controller, Get, Param } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, Instant, Label, type PatientCaller, SubjectId, TenantId } from '#lib/core';
import { AllowedTo, FromCaller, FromPatient, Reads } from '#lib/http';
import { effectiveErasureAt, GenerationStream, generationDueAt, generationsId, Signatures } from '#lib/keys/contract';
import { PurposeId } from '#lib/policy/contract';
import { Streams } from '#lib/ports';
import { type Erasure, Erasures, StepShown } from './show-erasure.js';
import { TemplateParams } from './show-template.js';
import { ErasureTrigger, refusals, TemplateId } from './template.stream.js';

const typ = 'lethe-erasure-certificate+jwt';

/** Something that is left after an erasure, where, why, and until when if it goes too. */
const Remaining = z.object({ what: Label, where: Label, why: Label, until: Instant.nullable() });

/**
 * What can be said of a template that is gone. Deleted at `erasedAt`; from `effectiveErasureAt` on, older copies of its key
 * are noise too, wherever they lie. Until then that is null, and `effectiveErasureBy` is the latest it will be.
 */
const CertificateClaims = z.object({
  tenant: TenantId,
  templateId: TemplateId,
  /** A pseudonym. */
  subjectId: SubjectId,
  purposeId: PurposeId,
  trigger: ErasureTrigger,
  blockedAt: Instant,
  erasedAt: Instant,
  effectiveErasureAt: Instant.nullable(),
  effectiveErasureBy: Instant,
  keyGeneration: z.int(),
  evidence: z.array(StepShown).max(100),
  remains: z.array(Remaining).max(10),
});
type CertificateClaims = z.output<typeof CertificateClaims>;

/** The claims, and the same signed by the tenant's key (RFC 7515). */
export const Certificate = CertificateClaims.extend({ jws: z.string().max(64_000) }).meta({ id: 'ErasureCertificate' });
export type Certificate = z.output<typeof Certificate>;

/** `owner`: whoever asks for their own; another's erasure is missing to them. */
export class CertifyErasure extends Query<Certificate> {
  constructor(
    readonly caller: Caller,
    readonly templateId: TemplateId,
    readonly owner?: SubjectId,
  ) {
    super();
  }
}

/** What a certificate says, from the facts alone. `effectiveAt`: when the key's generation was closed, if it was. */
export function claimsOf(tenant: TenantId, erasure: Erasure, effectiveAt: string | undefined): CertificateClaims {
  const { terms, trigger, blockedAt, erasedAt, generation, steps } = erasure;
  if (!erasedAt || !generation) throw refusals['not-erased']();
  const { templateId, subjectId, purposeId } = terms;
  // A generation that was open at the erasure began before it, so it is due no later than one that began just then.
  const latest = generationDueAt({ closed: [] }, erasedAt).toISOString();
  const until = effectiveAt ?? latest;
  return {
    tenant,
    templateId,
    subjectId,
    purposeId,
    trigger,
    blockedAt,
    erasedAt,
    effectiveErasureAt: effectiveAt ?? null,
    effectiveErasureBy: until,
    keyGeneration: generation,
    evidence: [...steps],
    remains: [
      {
        what: 'that the template existed, and when, under a pseudonym',
        where: 'event log',
        why: 'proof of lawful handling; it holds no vector and nothing that opens one',
        until: null,
      },
      {
        what: 'copies of the ciphertext, which nothing opens once the copies of its key are noise',
        where: 'backups of the vault',
        why: 'backups are kept whole and expire by their own schedule',
        until: null,
      },
      ...(effectiveAt
        ? []
        : [
            {
              what: 'copies of the wrapped key',
              where: 'journals and backups of the key table',
              why: 'they become noise when the key generation is closed',
              until,
            },
          ]),
    ],
  };
}

@QueryHandler(CertifyErasure)
export class CertifyErasureHandler implements IQueryHandler<CertifyErasure> {
  constructor(
    private readonly erasures: Erasures,
    private readonly streams: Streams,
    private readonly signatures: Signatures,
  ) {}

  async execute({ caller: { tenant }, templateId, owner }: CertifyErasure): Promise<Certificate> {
    const erasure = await this.erasures.of(tenant, templateId);
    if (owner && erasure.terms.subjectId !== owner) throw refusals.missing();
    const { state: history } = await this.streams.load(tenant, GenerationStream, generationsId);
    const effectiveAt = erasure.generation ? effectiveErasureAt(history, erasure.generation) : undefined;
    const claims = claimsOf(tenant, erasure, effectiveAt);
    return { ...claims, jws: await this.signatures.jws(tenant, claims, typ) };
  }
}

@Controller('v1/erasures/:templateId/certificate')
export class CertifyErasureRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('backend', 'device', 'registrar', 'dpo', 'auditor')
  @Reads(Certificate)
  show(@FromCaller() caller: Caller, @Param({ schema: TemplateParams }) { templateId }: TemplateParams) {
    return this.queries.execute(new CertifyErasure(caller, templateId));
  }
}

@Controller('v1/me/erasures/:templateId/certificate')
export class CertifyMyErasureRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('patient')
  @Reads(Certificate)
  show(@FromPatient() caller: PatientCaller, @Param({ schema: TemplateParams }) { templateId }: TemplateParams) {
    return this.queries.execute(new CertifyErasure(caller, templateId, caller.subjectId));
  }
}
