import { randomUUID } from 'node:crypto';
import type { TenantId } from '#lib/core';
import type { EventStore } from '#lib/ports';

const atOnce = 100;
const at = '2026-06-01T08:00:00.000Z';

/** A fact of a life: where it stands, and what it says. */
export type LifeFact = [stream: string, revision: number, type: string, data: object];

/** A life of a template: consent, enrolment, two matches, withdrawal, erasure. */
export function lifeOf(subjectId: string): LifeFact[] {
  const [consentId, templateId, purposeId] = [randomUUID(), randomUUID(), 'registration'];
  const of = { subjectId, purposeId };
  const validUntil = '2027-05-01T00:00:00Z';
  const model = { id: 'synthetic', version: '1' };
  const notice = { noticeId: 'registration-notice', noticeVersion: 1, noticeHash: 'a'.repeat(64), locale: 'zh-CN' };
  const given = {
    ...of,
    ...notice,
    consentId,
    channel: 'counter-1',
    actKind: 'signature',
    sealedEvidence: 'AAAA',
    validUntil,
  };
  const enrolled = {
    ...of,
    templateId,
    consentId,
    consentValidUntil: validUntil,
    keyId: `template-${templateId}`,
    model: { ...model, dim: 512 },
    capturedAt: validUntil,
    mode: 'central',
    retention: { maxDays: 365, inactivityDays: 180 },
  };
  const trigger = 'consent-withdrawn';
  const key = `${subjectId}-${purposeId}`;
  const matches = [1, 2].map((revision): LifeFact => {
    const match = {
      ...of,
      matchId: randomUUID(),
      decision: 'accept',
      band: 'strong',
      reasons: ['above-accept'],
      consentId,
      templateId,
      model,
      thresholdCardId: 'synthetic-1',
    };
    return [`match-${subjectId}-2026-06`, revision, 'matching.decided', match];
  });
  return [
    [`consent-${key}`, 1, 'consent.given', given],
    [`template-${key}`, 1, 'template.enrolled', enrolled],
    ...matches,
    [`consent-${key}`, 2, 'consent.withdrawn', { ...of, consentId, channel: 'self-service' }],
    [`template-${key}`, 2, 'template.erasure-begun', { ...of, templateId, trigger }],
    [`template-${key}`, 3, 'template.erased', { ...of, templateId, trigger, generation: 1 }],
  ];
}

/** Stores so many facts of lives, each a commit of its own; facts of different lives are stored at once. */
export async function appendLives(store: EventStore, tenant: TenantId, count: number): Promise<void> {
  const lives: LifeFact[][] = [];
  for (let facts = 0; facts < count; facts += lives.at(-1)?.length ?? 0) {
    lives.push(lifeOf(randomUUID()).slice(0, count - facts));
  }
  for (let done = 0; done < lives.length; done += atOnce) {
    await Promise.all(lives.slice(done, done + atOnce).map((life) => appendLife(store, tenant, life)));
  }
}

async function appendLife(store: EventStore, tenant: TenantId, life: readonly LifeFact[]): Promise<void> {
  for (const [stream, revision, type, data] of life) {
    const event = { id: randomUUID(), type, version: 1, data, at, actor: 'key-bench' };
    await store.append({ tenant, stream, expected: revision - 1, events: [event] });
  }
}
