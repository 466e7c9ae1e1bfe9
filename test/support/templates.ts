import { consentId, subjectId } from './consent.js';
import { purpose, purposeId, thresholdCard } from './policy.js';

/** What the specs about templates speak of. */
export const templateId = '3a0f6c1e-8d2b-4f57-9c41-7e5d0b6a2f18';
export const otherTemplateId = '8e4d2b70-1f3a-4c95-a6e8-0d9c7b5f3a22';
export const keyId = 'template-1c7b2e90-5a64-4d3e-8b0f-9f2d6c8a4e71';

/** As a caller says it, without the vector; and as it is recorded. */
export const enrolment = {
  subjectId,
  purposeId,
  model: { id: thresholdCard.model.id, version: thresholdCard.model.version },
  quality: 0.93,
  capturedAt: '2026-06-01T00:00:00Z',
  deviceId: 'kiosk-1',
  mode: 'central',
} as const;
export const templateTerms = {
  ...enrolment,
  templateId,
  model: thresholdCard.model,
  consentId,
  consentValidUntil: '2027-05-01T00:00:00.000Z',
  keyId,
  retention: purpose.retention,
} as const;

/** A face that is nobody's: seeded, of length 1, as little-endian f32. */
export function faceOf(seed: number, dim: number = thresholdCard.model.dim): Uint8Array {
  let state = seed >>> 0;
  const vector = Float32Array.from({ length: dim }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  const norm = Math.hypot(...vector);
  return new Uint8Array(vector.map((x) => x / norm).buffer);
}
