import { randomUUID } from 'node:crypto';
import type request from 'supertest';
import type { TestApi } from './api.js';
import { agreement } from './consent.js';
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

/** What a hospital says in another way than all do. */
export interface Otherwise {
  readonly purpose?: object;
  readonly card?: object;
}

/** A hospital and its people, made over HTTP as they would make it. */
export class Hospital {
  private constructor(
    readonly api: TestApi,
    readonly tenant: string,
    readonly dpo: request.Agent,
    readonly secondDpo: request.Agent,
    readonly registrar: request.Agent,
    readonly backend: request.Agent,
  ) {}

  /** With keys, and no policy yet. */
  static async found(api: TestApi, tenant = 'here'): Promise<Hospital> {
    const [dpo, secondDpo] = [await api.caller(tenant, 'dpo'), await api.caller(tenant, 'dpo')];
    return new Hospital(api, tenant, dpo, secondDpo, await api.caller(tenant), await api.caller(tenant, 'backend'));
  }

  /** With all that lets it ask for consent to an active purpose. */
  static async open(api: TestApi, tenant = 'here', otherwise: Otherwise = {}): Promise<Hospital> {
    const hospital = await Hospital.found(api, tenant);
    await hospital.define(otherwise);
    const { dpo, secondDpo } = hospital;
    await dpo.put(`/v1/assessments/${assessmentId}`).send(assessment).expect(201);
    await secondDpo.post(`/v1/assessments/${assessmentId}/approval`).send({}).expect(200);
    await dpo.put(`/v1/checkpoints/${checkpointId}`).send(checkpoint).expect(201);
    await dpo.post(`/v1/purposes/${purposeId}/activation`).send({}).expect(200);
    return hospital;
  }

  /** Notice, threshold card and purpose. */
  async define({ purpose: terms = {}, card = {} }: Otherwise = {}): Promise<void> {
    await this.dpo.put(`/v1/notices/${noticeId}`).send(notice).expect(201);
    await this.dpo
      .put(`/v1/threshold-cards/${thresholdCardId}`)
      .send({ ...thresholdCard, ...card })
      .expect(201);
    await this.dpo
      .put(`/v1/purposes/${purposeId}`)
      .send({ ...purpose, ...terms })
      .expect(201);
  }

  /** A patient, by the pseudonym it was registered under. */
  async register(subjectId: string = randomUUID()): Promise<string> {
    const subject = { externalRef: `MRN-${subjectId}`, kind: 'patient' };
    await this.registrar.put(`/v1/subjects/${subjectId}`).send(subject).expect(201);
    return subjectId;
  }

  /** What a patient agrees to who has just read the notice. */
  async agreementOf(subjectId: string, change: object = {}) {
    const { body } = await this.backend.get(`/v1/notices/${noticeId}`).expect(200);
    return { ...agreement, subjectId, noticeVersion: body.version, noticeHash: body.hash, ...change };
  }

  /** A patient's own way in. */
  patient(subjectId: string) {
    return this.api.patient(this.tenant, subjectId);
  }
}
