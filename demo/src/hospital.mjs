import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const cardFile = join(import.meta.dirname, '../threshold-card.json');

/** The one purpose, checkpoint and notice of the demo's hospital, by their ids. */
export const purposeId = 'registration';
export const checkpointId = 'outpatient-desk';
export const noticeId = 'face-at-registration';
const thresholdCardId = 'face-api-resnet34-1';

const dayMs = 86_400_000;

/** An instant some days from now, as the API spells it. */
export const inDays = (days) => new Date(Date.now() + days * dayMs).toISOString();

const tenant = {
  name: 'First Hospital',
  controller: {
    name: 'First Hospital',
    address: '1 Zhongshan Road, Guangzhou',
    contact: 'privacy@hospital.example',
    dpoContact: 'dpo@hospital.example',
  },
  pack: 'CN-patient',
};

const notice = {
  locale: 'en',
  title: 'Face recognition at registration',
  handler: 'First Hospital',
  contact: 'privacy@hospital.example',
  purpose: 'To check that you are who you say when you register as an outpatient.',
  method: 'A camera at the desk compares your face with the one you enrolled.',
  retention: 'Erased when you withdraw, and 180 days after your last visit at the latest.',
  necessity: 'It keeps others from registering under your name. Your cards do so too.',
  rightsImpact: 'Saying no costs you no step of your care.',
  howToExercise: 'At any desk, or on your own page.',
  recipients: [],
  body: 'The whole text of the notice.',
  material: true,
};

const purpose = {
  title: 'Identity at outpatient registration',
  operations: ['verify'],
  legalBasis: 'consent',
  necessity: {
    statement: 'Impostors register under other names.',
    lessIntrusive: 'Cards are offered first; face is a choice.',
  },
  noticeId,
  retention: { maxDays: 365, inactivityDays: 180 },
  consentMaxDays: 365,
  modes: ['central'],
  thresholdCardId,
};

const assessment = () => ({
  lawfulness: 'Separate consent, for one purpose.',
  rightsImpact: 'Refusal costs nothing.',
  risks: 'Leak, false accept, exclusion.',
  measures: 'Encryption, erasure, other methods.',
  purposes: [purposeId],
  validUntil: inDays(300),
});

const checkpoint = {
  title: 'Outpatient desk',
  channel: 'counter',
  purposeId,
  methods: ['face', 'id-card', 'social-security-card'].map((kind) => ({ kind, enabled: true })),
};

/**
 * Makes a hospital ready to match faces, as its people would: keys by role, notice, threshold card, purpose, an
 * assessment approved by a second person, a checkpoint with other methods than face, activation.
 *
 * Answers `{ keys, notice, card }`, the keys by who holds them.
 */
export async function openHospital(client, adminKey) {
  const id = 'first-hospital';
  const keys = {};
  await client.call(201, 'PUT', `/v1/tenants/${id}`, { key: adminKey, body: tenant });
  for (const [holder, role] of Object.entries({
    backend: 'backend',
    registrar: 'registrar',
    dpo: 'dpo',
    secondDpo: 'dpo',
  })) {
    const body = { role, label: holder };
    keys[holder] = (await client.call(201, 'POST', `/v1/tenants/${id}/keys`, { key: adminKey, body })).body.key;
  }
  const card = JSON.parse(await readFile(cardFile, 'utf8'));
  const publish = async (path, body) => (await client.call(201, 'PUT', path, { key: keys.dpo, body })).body;
  const published = await publish(`/v1/notices/${noticeId}`, notice);
  await publish(`/v1/threshold-cards/${thresholdCardId}`, card);
  await publish(`/v1/purposes/${purposeId}`, purpose);
  await publish('/v1/assessments/registration', assessment());
  await client.call(200, 'POST', '/v1/assessments/registration/approval', { key: keys.secondDpo, body: {} });
  await publish(`/v1/checkpoints/${checkpointId}`, checkpoint);
  await client.call(200, 'POST', `/v1/purposes/${purposeId}/activation`, { key: keys.dpo, body: {} });
  return { keys, notice: published, card };
}
