import { randomUUID } from 'node:crypto';
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
} from '../support/policy.js';
import { faceOf } from '../support/templates.js';
import type { Call, Client } from './client.js';

const dayMs = 86_400_000;
/** As small as a card allows: what is tried here is not arithmetic. */
const dim = 16;
const model = { id: thresholdCard.model.id, version: thresholdCard.model.version };
const roles = { registrar: 'registrar', backend: 'backend', dpo: 'dpo', secondDpo: 'dpo' } as const;
type Label = keyof typeof roles;

const inDays = (days: number) => new Date(Date.now() + days * dayMs).toISOString();
const embeddingOf = (face: Uint8Array) => ({
  encoding: 'f32le-base64',
  dim,
  data: Buffer.from(face).toString('base64'),
});

/** A face that is accepted for itself, and one that is as far from it as can be. */
export const faceNumber = (n: number): Uint8Array => faceOf(n, dim);
export const unlike = (face: Uint8Array): Uint8Array =>
  new Uint8Array(new Float32Array(face.slice().buffer).map((x) => -x).buffer);

/** A tenant with an active purpose behind any of several servers, and the calls of its people, each as it goes out. */
export class Ward {
  private readonly keys: Record<Label, string> = { registrar: '', backend: '', dpo: '', secondDpo: '' };
  private terms: object = {};

  private constructor(
    readonly tenant: string,
    private readonly client: Client,
  ) {}

  static async open(client: Client, tenant: string, adminKey: string): Promise<Ward> {
    const ward = new Ward(tenant, client);
    const name = `Hospital ${tenant}`;
    const controller = { name, address: 'A', contact: 'a@hospital.example', dpoContact: 'dpo@hospital.example' };
    const path = `/v1/tenants/${tenant}`;
    await client.ask({ method: 'PUT', path, key: adminKey, body: { name, controller, pack: 'CN-patient' } });
    for (const [label, role] of Object.entries(roles) as [Label, string][]) {
      const headers = { 'idempotency-key': randomUUID() };
      const body = { role, label };
      const issued = await client.ask({ method: 'POST', path: `${path}/keys`, key: adminKey, body, headers });
      ward.keys[label] = String(issued.body.key);
    }
    await ward.define();
    return ward;
  }

  get(path: string, as: Label = 'backend', headers: Record<string, string> = {}): Call {
    return { method: 'GET', path: `/v1/${path}`, key: this.keys[as], headers };
  }

  registration(subjectId: string): Call {
    return this.put(`subjects/${subjectId}`, 'registrar', { externalRef: `MRN-${subjectId}`, kind: 'patient' });
  }

  refusal(subjectId: string, refusalId: string): Call {
    const body = { subjectId, purposeId, checkpointId, channel: 'counter' };
    return this.put(`consent-refusals/${refusalId}`, 'registrar', body);
  }

  agreement(subjectId: string, consentId: string, validUntil = inDays(200)): Call {
    const act = { kind: 'signature', evidence: `form ${consentId}` };
    return this.put(`consents/${consentId}`, 'registrar', { ...this.terms, subjectId, act, validUntil });
  }

  enrolment(subjectId: string, templateId: string, face: Uint8Array): Call {
    const embedding = embeddingOf(face);
    const body = { subjectId, purposeId, model, embedding, capturedAt: '2026-06-01T00:00:00Z' };
    return this.put(`templates/${templateId}`, 'backend', body);
  }

  /** With an attempt that can be repeated; or on the hot path, as bytes, without one. */
  verification(subjectId: string, probe: Uint8Array, attempt?: string): Call {
    const call = { method: 'POST', key: this.keys.backend } as const;
    if (attempt) {
      const body = { subjectId, purposeId, checkpointId, model, embedding: embeddingOf(probe) };
      return { ...call, path: '/v1/matches/verify', body, headers: { 'idempotency-key': attempt } };
    }
    const said = { subjectId, purposeId, checkpointId, model: model.id, modelVersion: model.version };
    return { ...call, path: `/v1/matches/verify?${new URLSearchParams(said).toString()}`, body: probe };
  }

  /** Harmless to repeat, with a name of the attempt and without. */
  withdrawal(consentId: string, attempt?: string): Call {
    const path = `/v1/consents/${consentId}/withdrawal`;
    const headers = attempt ? { 'idempotency-key': attempt } : {};
    return { method: 'POST', path, key: this.keys.registrar, body: { channel: 'counter' }, headers };
  }

  private put(path: string, as: Label, body: object): Call {
    return { method: 'PUT', path: `/v1/${path}`, key: this.keys[as], body };
  }

  private async define(): Promise<void> {
    const put = async (path: string, body: object) => (await this.client.ask(this.put(path, 'dpo', body))).body;
    const post = async (path: string, as: Label) => {
      const headers = { 'idempotency-key': randomUUID() };
      await this.client.ask({ method: 'POST', path: `/v1/${path}`, key: this.keys[as], body: {}, headers });
    };
    const { version: noticeVersion, hash: noticeHash } = await put(`notices/${noticeId}`, notice);
    const card = { ...thresholdCard, model: { ...thresholdCard.model, dim } };
    await put(`threshold-cards/${thresholdCardId}`, card);
    await put(`purposes/${purposeId}`, purpose);
    await put(`assessments/${assessmentId}`, { ...assessment, validUntil: inDays(300) });
    await post(`assessments/${assessmentId}/approval`, 'secondDpo');
    await put(`checkpoints/${checkpointId}`, checkpoint);
    await post(`purposes/${purposeId}/activation`, 'dpo');
    this.terms = { purposeId, noticeId, noticeVersion, noticeHash, locale: 'zh-Hans-CN', channel: 'counter' };
  }
}
