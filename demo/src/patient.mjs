import { randomUUID } from 'node:crypto';
import { inDays, noticeId, purposeId } from './hospital.mjs';

const bytes = (descriptor) => Buffer.from(descriptor.buffer, descriptor.byteOffset, descriptor.byteLength);

/** One person at the hospital: what is done with a face, as requests. */
export class Patient {
  subjectId = randomUUID();
  consentId = randomUUID();
  templateId = randomUUID();

  constructor(client, { keys, notice, card }, name) {
    this.client = client;
    this.keys = keys;
    this.notice = notice;
    this.model = { id: card.model.id, version: card.model.version };
    this.name = name;
  }

  /** Registers, takes consent under the notice in force, and enrols the face. */
  async enrol(descriptor) {
    const { client, keys, notice, model, subjectId } = this;
    await client.call(201, 'PUT', `/v1/subjects/${subjectId}`, {
      key: keys.registrar,
      body: { externalRef: `sample photograph ${this.name}`, kind: 'patient' },
    });
    await client.call(201, 'PUT', `/v1/consents/${this.consentId}`, {
      key: keys.registrar,
      body: {
        subjectId,
        purposeId,
        noticeId,
        noticeVersion: notice.version,
        noticeHash: notice.hash,
        locale: 'en',
        channel: 'counter',
        act: { kind: 'button', evidence: 'the button of the demo' },
        validUntil: inDays(300),
      },
    });
    const embedding = {
      encoding: 'f32le-base64',
      dim: descriptor.length,
      data: bytes(descriptor).toString('base64'),
    };
    await client.call(201, 'PUT', `/v1/templates/${this.templateId}`, {
      key: keys.backend,
      body: { subjectId, purposeId, model, embedding, capturedAt: new Date().toISOString(), deviceId: 'demo' },
    });
  }

  /** Compares a face with this patient's: `{ status, body }`, 200 with a decision, or 403 where nothing permits it. */
  verify(descriptor) {
    const { subjectId, model } = this;
    const query = new URLSearchParams({ subjectId, purposeId, model: model.id, modelVersion: model.version });
    return this.client.call([200, 403], 'POST', `/v1/matches/verify?${query}`, {
      key: this.keys.backend,
      body: bytes(descriptor),
    });
  }

  /** Withdraws as a patient does: a one-time link from the desk, a session of one's own, and no reason. Answers the withdrawal. */
  async withdraw() {
    const link = await this.client.call(201, 'POST', `/v1/subjects/${this.subjectId}/links`, {
      key: this.keys.registrar,
      body: { ttlMinutes: 10 },
    });
    const session = await this.client.call(201, 'POST', '/v1/me/session', { body: { code: link.body.code } });
    const { body } = await this.client.call(200, 'POST', `/v1/me/consents/${this.consentId}/withdrawal`, {
      key: session.body.token,
      body: { channel: 'self-service' },
    });
    return body;
  }

  /** How far the erasure of the template has come: `{ state, blockedAt, erasedAt, steps }`. */
  async erasure() {
    return (await this.client.call(200, 'GET', `/v1/erasures/${this.templateId}`, { key: this.keys.backend })).body;
  }
}
