import { randomUUID } from 'node:crypto';
import { embeddingOf } from './enrolment.js';
import type { Otherwise } from './hospital.js';
import {
  assessment,
  assessmentId,
  checkpoint,
  checkpointId,
  notice,
  noticeId,
  purpose,
  purposeId,
  thresholdCard,
  thresholdCardId,
} from './policy.js';

/** Whose keys there are, and what they may do. */
export const roles = { registrar: 'registrar', backend: 'backend', dpo: 'dpo', secondDpo: 'dpo' } as const;
export type Label = keyof typeof roles;

/** A call as it goes out, and by whose key. */
export interface Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly as: Label;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

const daysMs = 86_400_000;
const model = { id: thresholdCard.model.id, version: thresholdCard.model.version };
/** The name of an attempt that can be repeated; null for one that has none. */
type Attempt = string | null;
const named = (attempt: Attempt): Record<string, string> => (attempt ? { 'idempotency-key': attempt } : {});

/** Real time, as the processes of servers see it. */
export const inDays = (days: number): string => new Date(Date.now() + days * daysMs).toISOString();
const put = (path: string, as: Label, body: object): Call => ({ method: 'PUT', path: `/v1/${path}`, as, body });

/** What the people of a hospital with one purpose ask for. */
export class Calls {
  private terms: object = {};

  /** All it takes until the purpose is active, asked in turn. */
  async define(
    ask: (call: Call) => Promise<Readonly<Record<string, unknown>>>,
    { card = thresholdCard, purpose: terms = {} }: Otherwise = {},
  ) {
    const post = (path: string, as: Label) =>
      ask({ method: 'POST', path: `/v1/${path}`, as, body: {}, headers: named(randomUUID()) });
    const { version: noticeVersion, hash: noticeHash } = await ask(put(`notices/${noticeId}`, 'dpo', notice));
    await ask(put(`threshold-cards/${thresholdCardId}`, 'dpo', card));
    await ask(put(`purposes/${purposeId}`, 'dpo', { ...purpose, ...terms }));
    await ask(put(`assessments/${assessmentId}`, 'dpo', { ...assessment, validUntil: inDays(300) }));
    await post(`assessments/${assessmentId}/approval`, 'secondDpo');
    await ask(put(`checkpoints/${checkpointId}`, 'dpo', checkpoint));
    await post(`purposes/${purposeId}/activation`, 'dpo');
    const told = { purposeId, noticeId, noticeVersion, noticeHash, locale: 'zh-Hans-CN' };
    this.terms = { ...told, channel: 'counter', validUntil: inDays(200) };
  }

  registration(subjectId: string, externalRef = `MRN-${subjectId}`): Call {
    return put(`subjects/${subjectId}`, 'registrar', { externalRef, kind: 'patient' });
  }

  refusal(subjectId: string, refusalId: string): Call {
    const body = { subjectId, purposeId, checkpointId, channel: 'counter' };
    return put(`consent-refusals/${refusalId}`, 'registrar', body);
  }

  agreement(subjectId: string, consentId: string, evidence = 'signed form', change: object = {}): Call {
    const body = { ...this.terms, subjectId, act: { kind: 'signature', evidence }, ...change };
    return put(`consents/${consentId}`, 'registrar', body);
  }

  enrolment(subjectId: string, templateId: string, face: Uint8Array): Call {
    const body = { subjectId, purposeId, model, embedding: embeddingOf(face), capturedAt: '2026-06-01T00:00:00Z' };
    return put(`templates/${templateId}`, 'backend', body);
  }

  /** As bytes, or as JSON. */
  verification(
    subjectId: string,
    probe: Uint8Array,
    how: 'bytes' | 'json' = 'bytes',
    attempt: Attempt = randomUUID(),
    where: { readonly checkpointId?: string } = {},
  ): Call {
    const call = { method: 'POST', as: 'backend', headers: named(attempt) } as const;
    const path = '/v1/matches/verify';
    const about = { subjectId, purposeId, ...where };
    if (how === 'json') return { ...call, path, body: { ...about, model, embedding: embeddingOf(probe) } };
    const asked = new URLSearchParams({ ...about, model: model.id, modelVersion: model.version });
    return { ...call, path: `${path}?${asked.toString()}`, body: probe };
  }

  identification(probe: Uint8Array, attempt: Attempt = randomUUID()): Call {
    const body = { purposeId, model, embedding: embeddingOf(probe), limit: 5 };
    return { method: 'POST', as: 'backend', headers: named(attempt), path: '/v1/matches/identify', body };
  }

  withdrawal(consentId: string, attempt: Attempt = randomUUID()): Call {
    const path = `/v1/consents/${consentId}/withdrawal`;
    return { method: 'POST', path, as: 'registrar', body: { channel: 'counter' }, headers: named(attempt) };
  }
}
