import { Controller, Get, Param } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { TenantStream, tenantId } from '#lib/access/contract';
import type { Caller, PatientCaller, SubjectId } from '#lib/core';
import { AllowedTo, FromCaller, FromPatient, Reads } from '#lib/http';
import { Signatures } from '#lib/keys/contract';
import { NoticeStream, PurposeStream } from '#lib/policy/contract';
import { reading, Streams } from '#lib/ports';
import { type ConsentId, ConsentStream, consentIn, consentKey } from './consent.stream.js';
import { ownerOf } from './consent-owner.js';
import { Receipt, receiptOf } from './receipt.js';
import { ConsentParams } from './show-consent.js';

export const receiptType = 'lethe-consent-receipt+jws';

/** A receipt, and the same signed by the tenant: `jws` is a compact JWS (RFC 7515) whose payload is the rest. */
const SignedReceipt = Receipt.extend({ jws: z.string().max(400_000) }).meta({ id: 'ConsentReceipt' });
type SignedReceipt = z.output<typeof SignedReceipt>;

/** `mine` is set where a patient asks: someone else's consent is missing to them. */
export class ShowReceipt extends Query<SignedReceipt> {
  constructor(
    readonly caller: Caller,
    readonly consentId: ConsentId,
    readonly mine?: SubjectId,
  ) {
    super();
  }
}

@QueryHandler(ShowReceipt)
export class ShowReceiptHandler implements IQueryHandler<ShowReceipt> {
  constructor(
    private readonly streams: Streams,
    private readonly signatures: Signatures,
  ) {}

  async execute({ caller: { tenant }, consentId, mine }: ShowReceipt) {
    const owner = await ownerOf(this.streams, tenant, consentId, mine);
    const { state: consents } = await this.streams.load(tenant, ConsentStream, consentKey(owner));
    const consent = consentIn(consents, consentId);
    const { purposeId, noticeId, noticeVersion } = consent.terms;
    const [profile, purpose, notice] = await this.streams.loadMany(tenant, [
      reading(TenantStream, tenantId),
      reading(PurposeStream, purposeId),
      reading(NoticeStream, noticeId),
    ]);
    const shown = notice.state.find(({ version }) => version === noticeVersion);
    if (!profile.state || !purpose.state.terms || !shown) throw new Error('a consent stands on what is not there');
    const grounds = { tenant, profile: profile.state, purpose: purpose.state.terms, notice: shown.text };
    const receipt = receiptOf(consent, grounds);
    return { ...receipt, jws: await this.signatures.jws(tenant, receipt, receiptType) };
  }
}

@Controller('v1/consents/:consentId/receipt')
export class ShowReceiptRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('backend', 'registrar', 'dpo', 'auditor')
  @Reads(SignedReceipt)
  show(@FromCaller() caller: Caller, @Param({ schema: ConsentParams }) { consentId }: ConsentParams) {
    return this.queries.execute(new ShowReceipt(caller, consentId));
  }
}

@Controller('v1/me/receipts/:consentId')
export class ShowMyReceiptRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('patient')
  @Reads(SignedReceipt)
  show(@FromPatient() caller: PatientCaller, @Param({ schema: ConsentParams }) { consentId }: ConsentParams) {
    return this.queries.execute(new ShowReceipt(caller, consentId, caller.subjectId));
  }
}
