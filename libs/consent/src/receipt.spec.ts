import { type DatedFact, stateOf, TenantId } from '#lib/core';
import { NoticePublished, NoticeStream, PurposeDefined, PurposeStream } from '#lib/policy/contract';
import { consentId, otherConsentId, subjectId, terms } from '../../../test/support/consent.js';
import { notice, noticeId, purpose, purposeId } from '../../../test/support/policy.js';
import {
  ConsentGiven,
  ConsentId,
  ConsentRenewed,
  ConsentStream,
  ConsentWithdrawn,
  consentIn,
} from './consent.stream.js';
import { Receipt, receiptOf } from './receipt.js';

const at = '2026-05-01T00:00:00.000Z';
const withdrawnAt = '2026-05-11T00:00:00.000Z';
const dated = <F extends object>(fact: F, instant = at) => ({ ...fact, at: instant });
const given = dated(ConsentGiven({ consentId, ...terms }));
const withdrawn = dated(ConsentWithdrawn({ consentId, subjectId, purposeId, channel: 'online' }), withdrawnAt);

const [shown] = stateOf(NoticeStream, [
  dated(NoticePublished({ ...notice, noticeId, version: 2, hash: terms.noticeHash })),
]);
const defined = stateOf(PurposeStream, [
  dated(PurposeDefined({ purposeId, terms: { ...purpose, operations: ['verify'], modes: ['central'] } })),
]);
const controller = {
  name: 'First Hospital',
  address: '1 Zhongshan Road, Guangzhou',
  contact: 'privacy@hospital.example',
  dpoContact: 'dpo@hospital.example',
};

function receiptAfter(past: readonly DatedFact[], id: string = consentId): Receipt {
  if (!shown || !defined.terms) throw new Error('the grounds of a receipt are not there');
  return receiptOf(consentIn(stateOf(ConsentStream, past), ConsentId.parse(id)), {
    tenant: TenantId.parse('here'),
    profile: { name: 'First Hospital', controller, pack: 'CN-patient' },
    purpose: defined.terms,
    notice: shown.text,
  });
}

describe('a receipt', () => {
  it('has whatever ISO/IEC TS 27560 makes mandatory', () => {
    const { record, ...receipt } = receiptAfter([given]);
    expect(receipt).toEqual({
      schema_version: 'ISO/IEC TS 27560:2023',
      receipt_id: `${consentId}-1`,
      creation_time: at,
    });
    expect(record).toMatchObject({
      schema_version: 'ISO/IEC TS 27560:2023',
      record_id: consentId,
      pii_principal_id: subjectId,
      pii_processing: {
        privacy_notice: { notice_id: noticeId, version: 2, sha256: terms.noticeHash },
        language: terms.locale,
        purpose: { purpose_id: purposeId, title: purpose.title },
        lawful_basis: 'explicit-consent',
        pii_information: [{ pii_type: 'face-template', sensitive_pii_category: 'biometric' }],
        pii_controllers: ['here'],
        storage_locations: ['controller'],
        retention_period: 'P365D',
        jurisdiction: 'CN',
        recipient_third_parties: [],
        withdrawal_method: { description: notice.howToExercise },
      },
      parties: [
        {
          party_id: 'here',
          party_name: controller.name,
          party_address: controller.address,
          party_contact: controller.contact,
          party_type: 'pii-controller',
        },
      ],
      events: [
        {
          event_time: at,
          event_type: 'explicit-consent',
          event_state: 'given',
          entity_id: subjectId,
          validity_duration: 'PT31536000S',
        },
      ],
    });
  });

  it('fits its schema, and nothing is in it that the schema does not name', () => {
    const receipt = receiptAfter([given, withdrawn]);
    expect(Receipt.parse(receipt)).toEqual(receipt);
  });

  it('is another one when more is recorded, and the same one when asked for again', () => {
    const after = receiptAfter([given, withdrawn]);
    expect(after).toMatchObject({ receipt_id: `${consentId}-2`, creation_time: withdrawnAt });
    expect(after.record.events.map(({ event_state }) => event_state)).toEqual(['given', 'withdrawn']);
    expect(receiptAfter([given, withdrawn])).toEqual(after);
    const renewal = dated(ConsentRenewed({ ...terms, consentId: otherConsentId, replaces: consentId }), withdrawnAt);
    expect(receiptAfter([given, renewal]).record.events.at(-1)).toMatchObject({ event_state: 'terminated' });
    expect(receiptAfter([given, renewal], otherConsentId).record.events).toMatchObject([{ event_state: 'renewed' }]);
  });

  it('has nothing of what was sealed', () => {
    expect(JSON.stringify(receiptAfter([given]))).not.toContain(terms.sealedEvidence);
  });
});
