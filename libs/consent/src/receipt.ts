import { z } from 'zod';
import type { TenantTerms } from '#lib/access/contract';
import { Channel, Instant, Label, Locale, Sha256, SubjectId, TenantId, Text } from '#lib/core';
import { NoticeId, type NoticeText, type Purpose, PurposeId } from '#lib/policy/contract';
import { ActKind, type Consent, ConsentId, ConsentState } from './consent.stream.js';
import { historyOf } from './consent-history.js';

const schemaVersion = 'ISO/IEC TS 27560:2023';
const SchemaVersion = z.literal(schemaVersion);
const Path = z.string().max(200);
/** ISO 8601, such as `P365D`. */
const Duration = z
  .string()
  .regex(/^P(\d+D|T\d+S)$/)
  .max(30);

const Processing = z.object({
  privacy_notice: z.object({ notice_id: NoticeId, version: z.int(), sha256: Sha256, url: Path }),
  language: Locale,
  purpose: z.object({ purpose_id: PurposeId, title: Text, necessity: Text }),
  lawful_basis: z.literal('explicit-consent'),
  pii_information: z
    .array(
      z.object({
        pii_type: z.literal('face-template'),
        pii_optional: z.literal(true),
        sensitive_pii_category: z.literal('biometric'),
      }),
    )
    .max(1),
  pii_controllers: z.array(TenantId).max(1),
  collection_method: Text,
  processing_method: z.literal('1:1 comparison'),
  storage_locations: z.array(z.literal('controller')).max(1),
  retention_period: Duration,
  jurisdiction: z.literal('CN'),
  recipient_third_parties: z.array(Label).max(100),
  withdrawal_method: z.object({ description: Text, url: Path }),
  privacy_rights: Text,
});

const Party = z.object({
  party_id: TenantId,
  party_name: Label,
  party_address: Label,
  party_contact: Label,
  party_type: z.literal('pii-controller'),
  data_protection_officer: Label,
});

const Event = z.object({
  event_time: Instant,
  event_type: z.literal('explicit-consent'),
  event_state: ConsentState,
  entity_id: SubjectId,
  validity_duration: Duration,
  channel: Channel.optional(),
});

/** A consent as ISO/IEC TS 27560 records it; names as there, in its sections: header, processing, parties, events (CR-1). */
const ConsentRecord = z.object({
  schema_version: SchemaVersion,
  record_id: ConsentId,
  pii_principal_id: SubjectId,
  act: ActKind,
  pii_processing: Processing,
  parties: z.array(Party).max(10),
  events: z.array(Event).max(10_000),
});

/**
 * What a patient can keep, and show to anyone who knows the tenant's public keys (CR-2). It says what the log says: as
 * long as nothing more is recorded of the consent, it is the same receipt.
 */
export const Receipt = z.object({
  schema_version: SchemaVersion,
  receipt_id: z.string().max(60),
  /** When the last fact in it was recorded. */
  creation_time: Instant,
  record: ConsentRecord,
});
export type Receipt = z.output<typeof Receipt>;

/** What a receipt is made of besides the consent. */
export interface ReceiptGrounds {
  readonly tenant: TenantId;
  readonly profile: TenantTerms;
  readonly purpose: NonNullable<Purpose['terms']>;
  /** The text that was shown when consent was given, not the one of today. */
  readonly notice: NoticeText;
}

/** Before any instant, so that a history shows what is recorded and nothing that time alone would add. */
const never = new Date(0);

export function receiptOf(consent: Consent, grounds: ReceiptGrounds): Receipt {
  const { consentId, terms } = consent;
  const history = historyOf(consent, never);
  return {
    schema_version: schemaVersion,
    receipt_id: `${consentId}-${history.length}`,
    creation_time: consent.withdrawnAt ?? consent.expiredAt ?? consent.replacedAt ?? consent.givenAt,
    record: {
      schema_version: schemaVersion,
      record_id: consentId,
      pii_principal_id: terms.subjectId,
      act: terms.actKind,
      pii_processing: processingOf(consent, grounds),
      parties: [partyOf(grounds)],
      events: history.map(({ state, at, channel }) => ({
        event_time: at,
        event_type: 'explicit-consent',
        event_state: state,
        entity_id: terms.subjectId,
        validity_duration: durationOf(consent),
        ...(channel && { channel }),
      })),
    },
  };
}

function processingOf(
  { consentId, terms }: Consent,
  { tenant, purpose, notice }: ReceiptGrounds,
): Receipt['record']['pii_processing'] {
  const { noticeId, noticeVersion, noticeHash, locale, purposeId } = terms;
  const url = `/v1/notices/${noticeId}?version=${noticeVersion}`;
  return {
    privacy_notice: { notice_id: noticeId, version: noticeVersion, sha256: noticeHash, url },
    language: locale,
    purpose: { purpose_id: purposeId, title: purpose.title, necessity: purpose.necessity.statement },
    lawful_basis: 'explicit-consent',
    pii_information: [{ pii_type: 'face-template', pii_optional: true, sensitive_pii_category: 'biometric' }],
    pii_controllers: [tenant],
    collection_method: notice.method,
    processing_method: '1:1 comparison',
    storage_locations: ['controller'],
    retention_period: `P${purpose.retention.maxDays}D`,
    jurisdiction: 'CN',
    recipient_third_parties: [...notice.recipients],
    withdrawal_method: { description: notice.howToExercise, url: `/v1/me/consents/${consentId}/withdrawal` },
    privacy_rights: notice.rightsImpact,
  };
}

const partyOf = ({ tenant, profile: { controller } }: ReceiptGrounds): Receipt['record']['parties'][number] => ({
  party_id: tenant,
  party_name: controller.name,
  party_address: controller.address,
  party_contact: controller.contact,
  party_type: 'pii-controller',
  data_protection_officer: controller.dpoContact,
});

/** From when it was given to its end, which every consent has. */
const durationOf = ({ givenAt, terms: { validUntil } }: Consent) =>
  `PT${Math.round((Date.parse(validUntil) - Date.parse(givenAt)) / 1_000)}S`;
