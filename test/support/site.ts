import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { hospital } from './api.js';
import { family } from './family.js';
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
import type { Server } from './server.js';

const daysMs = 86_400_000;
const triesMax = family.name === 'embedded' ? 1 : 10;
const labels = { registrar: 'registrar', backend: 'backend', dpo: 'dpo', secondDpo: 'dpo' } as const;
type Label = keyof typeof labels;

/** Real time, as the processes of servers see it. */
const inDays = (days: number) => new Date(Date.now() + days * daysMs).toISOString();

export interface Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly as: Label;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

/** A hospital with an active purpose in a server process. Its keys outlive that process; each start of it is told to `move`. */
export class Site {
  private terms: object = {};

  private constructor(
    private server: Server,
    readonly tenant: string,
    private readonly keys: Record<Label, string>,
  ) {}

  static async open(server: Server, tenant = 'here'): Promise<Site> {
    const site = new Site(server, tenant, { registrar: '', backend: '', dpo: '', secondDpo: '' });
    await site.asked(await server.send('PUT', `/v1/tenants/${tenant}`, server.adminKey, hospital));
    for (const [label, role] of Object.entries(labels) as [Label, string][]) {
      const keys = await server.send('POST', `/v1/tenants/${tenant}/keys`, server.adminKey, { role, label });
      site.keys[label] = (await site.asked(keys)).key;
    }
    await site.define();
    return site;
  }

  /** The data are served by another process now. */
  move(server: Server): void {
    this.server = server;
  }

  call({ method, path, as, body, headers = {} }: Call) {
    return this.server.send(method, path, this.keys[as], body, headers);
  }

  /** As `call`; over servers, on a busy machine, it is asked again as callers would who are told to come again. */
  async insist(call: Call) {
    let answer = await this.call(call);
    for (let tries = 1; answer.status === 503 && tries < triesMax; tries++) {
      await pause(Number(answer.headers['retry-after'] ?? 1) * 1_000);
      answer = await this.call(call);
    }
    return answer;
  }

  /** The answer of a call that must be well. */
  async ask(call: Call) {
    return this.asked(await this.insist(call));
  }

  registration(subjectId: string, externalRef = `MRN-${subjectId}`): Call {
    const body = { externalRef, kind: 'patient' };
    return { method: 'PUT', path: `/v1/subjects/${subjectId}`, as: 'registrar', body };
  }

  agreement(subjectId: string, consentId: string, evidence = 'signed form', change: object = {}): Call {
    const body = { ...this.terms, subjectId, act: { kind: 'signature', evidence }, ...change };
    return { method: 'PUT', path: `/v1/consents/${consentId}`, as: 'registrar', body };
  }

  enrolment(subjectId: string, templateId: string, face: Uint8Array): Call {
    const data = Buffer.from(face).toString('base64');
    const embedding = { encoding: 'f32le-base64', dim: face.byteLength / 4, data };
    const { id, version } = thresholdCard.model;
    const body = { subjectId, purposeId, model: { id, version }, embedding, capturedAt: '2026-06-01T00:00:00Z' };
    return { method: 'PUT', path: `/v1/templates/${templateId}`, as: 'backend', body };
  }

  /** As bytes, or as JSON. */
  verification(subjectId: string, probe: Uint8Array, how: 'bytes' | 'json' = 'bytes', attempt = randomUUID()): Call {
    const { id, version } = thresholdCard.model;
    const call = { method: 'POST', as: 'backend', headers: { 'idempotency-key': attempt } } as const;
    const asked = new URLSearchParams({ subjectId, purposeId, model: id, modelVersion: version }).toString();
    if (how === 'bytes') return { ...call, path: `/v1/matches/verify?${asked}`, body: probe };
    const { body } = this.enrolment(subjectId, '', probe);
    const { embedding } = body as { embedding: object };
    return { ...call, path: '/v1/matches/verify', body: { subjectId, purposeId, model: { id, version }, embedding } };
  }

  withdrawal(consentId: string, attempt = randomUUID()): Call {
    const headers = { 'idempotency-key': attempt };
    const body = { channel: 'counter' };
    return { method: 'POST', path: `/v1/consents/${consentId}/withdrawal`, as: 'registrar', body, headers };
  }

  private async define(): Promise<void> {
    const put = (path: string, body: object) => this.ask({ method: 'PUT', path: `/v1/${path}`, as: 'dpo', body });
    const post = (path: string, as: Label) => this.ask({ method: 'POST', path: `/v1/${path}`, as, body: {} });
    const { version: noticeVersion, hash: noticeHash } = await put(`notices/${noticeId}`, notice);
    await put(`threshold-cards/${thresholdCardId}`, thresholdCard);
    await put(`purposes/${purposeId}`, purpose);
    await put(`assessments/${assessmentId}`, { ...assessment, validUntil: inDays(300) });
    await post(`assessments/${assessmentId}/approval`, 'secondDpo');
    await put(`checkpoints/${checkpointId}`, checkpoint);
    await post(`purposes/${purposeId}/activation`, 'dpo');
    const locale = 'zh-Hans-CN';
    this.terms = {
      purposeId,
      noticeId,
      noticeVersion,
      noticeHash,
      locale,
      channel: 'counter',
      validUntil: inDays(200),
    };
  }

  private async asked({ status, text, body }: Awaited<ReturnType<Server['send']>>) {
    if (status >= 200 && status < 300) return body;
    throw new Error(`${status}: ${text}`);
  }
}
