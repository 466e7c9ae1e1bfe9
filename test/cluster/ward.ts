import { randomUUID } from 'node:crypto';
import { hospital } from '../support/api.js';
import { Calls, type Label, roles, type Call as SiteCall } from '../support/calls.js';
import type { Otherwise } from '../support/hospital.js';
import { checkpointId, thresholdCard } from '../support/policy.js';
import { faceOf } from '../support/templates.js';
import type { Call, Client } from './client.js';

/** As small as a card allows: what is tried here is not arithmetic. */
const dim = 16;
const card = { ...thresholdCard, model: { ...thresholdCard.model, dim } };

/** A face that is accepted for itself, and one that is as far from it as can be. */
export const faceNumber = (n: number): Uint8Array => faceOf(n, dim);
export const unlike = (face: Uint8Array): Uint8Array =>
  new Uint8Array(new Float32Array(face.slice().buffer).map((x) => -x).buffer);

/** A tenant with an active purpose behind any of several servers, and the calls of its people, each as it goes out. */
export class Ward {
  private readonly keys: Record<Label, string> = { registrar: '', backend: '', dpo: '', secondDpo: '' };
  private readonly calls = new Calls();

  private constructor(readonly tenant: string) {}

  static async open(client: Client, tenant: string, adminKey: string, otherwise: Otherwise = {}): Promise<Ward> {
    const ward = new Ward(tenant);
    const path = `/v1/tenants/${tenant}`;
    await client.ask({ method: 'PUT', path, key: adminKey, body: hospital });
    for (const [label, role] of Object.entries(roles) as [Label, string][]) {
      const headers = { 'idempotency-key': randomUUID() };
      const body = { role, label };
      const issued = await client.ask({ method: 'POST', path: `${path}/keys`, key: adminKey, body, headers });
      ward.keys[label] = String(issued.body.key);
    }
    await ward.calls.define(async (call) => (await client.ask(ward.by(call))).body, { card, ...otherwise });
    return ward;
  }

  get(path: string): Call {
    return this.by({ method: 'GET', path: `/v1/${path}`, as: 'backend' });
  }

  registration(subjectId: string): Call {
    return this.by(this.calls.registration(subjectId));
  }

  refusal(subjectId: string, refusalId: string): Call {
    return this.by(this.calls.refusal(subjectId, refusalId));
  }

  agreement(subjectId: string, consentId: string, validUntil?: string): Call {
    const change = validUntil === undefined ? {} : { validUntil };
    return this.by(this.calls.agreement(subjectId, consentId, `form ${consentId}`, change));
  }

  enrolment(subjectId: string, templateId: string, face: Uint8Array): Call {
    return this.by(this.calls.enrolment(subjectId, templateId, face));
  }

  /** With an attempt that can be repeated; or on the hot path, as bytes, without one. */
  verification(subjectId: string, probe: Uint8Array, attempt?: string): Call {
    const how = attempt ? 'json' : 'bytes';
    return this.by(this.calls.verification(subjectId, probe, how, attempt ?? null, { checkpointId }));
  }

  identification(probe: Uint8Array): Call {
    return this.by(this.calls.identification(probe, null));
  }

  /** Harmless to repeat, with a name of the attempt and without. */
  withdrawal(consentId: string, attempt?: string): Call {
    return this.by(this.calls.withdrawal(consentId, attempt ?? null));
  }

  private by({ as, ...call }: SiteCall): Call {
    return { ...call, key: this.keys[as] };
  }
}
