import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandBus } from '@nestjs/cqrs';
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { ActorId, TenantId } from '#lib/core';
import { CloseGeneration } from '#lib/keys';
import { exportTenant, importTenant, type Side } from '#lib/move';
import { Clock, Documents, EventStore, KeyService, KeyTable, Vault, Views } from '#lib/ports';
import { examineTenant, type Finding, patientIn } from '../../apps/ops/src/doctor.js';
import type { TestApi } from './api.js';
import { enrolled, enrolmentOf, erasureOf, verify } from './enrolment.js';
import { Hospital } from './hospital.js';
import { logOf } from './log.js';
import { faceOf } from './templates.js';

const tenant = TenantId.parse('here');
const silent = { at: () => undefined, end: () => undefined };
const hourMs = 3_600_000;

export const sideOf = ({ app }: TestApi): Side => ({
  store: app.get(EventStore),
  keys: app.get(KeyService),
  table: app.get(KeyTable),
  vault: app.get(Vault),
  documents: app.get(Documents),
  clock: app.get(Clock),
});

/** A hospital that moves, with people of every kind, and what it must find again on the other side. */
export class MovingHospital {
  private constructor(
    private readonly keys: { readonly registrar: string; readonly backend: string; readonly dpo: string },
    private readonly staying: Awaited<ReturnType<typeof enrolled>>,
    private readonly gone: Awaited<ReturnType<typeof enrolled>>,
    private readonly erasedSubject: string,
    private readonly receipt: string,
    private readonly match: { readonly attempt: string; readonly body: object },
  ) {}

  /** One patient stays, one has withdrawn, one is erased; a receipt was handed out, a match decided. */
  static async found(api: TestApi): Promise<MovingHospital> {
    const hospital = await Hospital.open(api, tenant);
    const [staying, gone, erased] = [await enrolled(hospital), await enrolled(hospital), await enrolled(hospital)];
    await hospital.registrar.post(`/v1/consents/${gone.consentId}/withdrawal`).send({ channel: 'counter' }).expect(200);
    await erasureOf(hospital, gone.templateId);
    await hospital.registrar.delete(`/v1/subjects/${erased.subjectId}`).expect(202);
    await erasureOf(hospital, erased.templateId);
    const { body: shown } = await hospital.registrar.get(`/v1/consents/${staying.consentId}/receipt`).expect(200);
    const keyOf = async (role: 'registrar' | 'backend' | 'dpo') => (await api.issue(tenant, role)).key;
    const keys = { registrar: await keyOf('registrar'), backend: await keyOf('backend'), dpo: await keyOf('dpo') };
    const attempt = 'match-before-the-move';
    const { body } = await verify({ backend: api.holder(keys.backend) } as Hospital, staying.subjectId)
      .set('idempotency-key', attempt)
      .expect(200);
    if (body.decision !== 'accept') throw new Error(`the patient is not known: ${JSON.stringify(body)}`);
    const receipt: string = shown.jws;
    return new MovingHospital(keys, staying, gone, erased.subjectId, receipt, { attempt, body });
  }

  /** As `lethe receive`, `export` and `import` do; `meanwhile` runs when the file is there, before it is imported. */
  async move(from: TestApi, to: TestApi, meanwhile: (file: string) => Promise<void> = async () => undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'moved-'));
    const file = join(folder, 'here.move');
    try {
      const publicKey = await sideOf(to).keys.receive(tenant);
      await from.app.get(CommandBus).execute(new CloseGeneration({ tenant, actor: ActorId.parse('command-line') }));
      const exported = await exportTenant(sideOf(from), { tenant, publicKey }, file, silent.at);
      // The source began to live first: nothing may be dated after now.
      to.clock.advance(hourMs);
      await meanwhile(file);
      const imported = await importTenant(sideOf(to), file, silent.at);
      return { exported, imported };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  as(api: TestApi, role: 'registrar' | 'backend' | 'dpo') {
    return api.holder(this.keys[role]);
  }

  /** What is told of it at a position, the same wherever it is. */
  async told(api: TestApi, at: number) {
    const dpo = this.as(api, 'dpo');
    const { text, headers } = await dpo
      .get('/v1/reports/lifecycle')
      .query({ format: 'csv', at })
      .buffer(true)
      .expect(200);
    const { overdueNow: _now, ...summary } = (await dpo.get('/v1/reports/summary').query({ at }).expect(200)).body;
    const erasure = await this.as(api, 'backend').get(`/v1/erasures/${this.gone.templateId}`).expect(200);
    const { body: jwks } = await this.as(api, 'backend').get('/v1/signing-keys').expect(200);
    return { text, digest: headers['repr-digest'], summary, erasure: erasure.body, jwks };
  }

  /** Every event as it is stored, in its order, as text. */
  async log(api: TestApi): Promise<string[]> {
    return (await logOf(api, tenant)).map(({ id, stream, revision, sequence, type, version, data, at, actor }) =>
      JSON.stringify([id, stream, revision, sequence, type, version, data, at, actor]),
    );
  }

  private async find(api: TestApi, subjectId: string): Promise<string | undefined> {
    const externalRef = `MRN-${subjectId}`;
    return (await this.as(api, 'registrar').post('/v1/subjects/lookup').send({ externalRef })).body.subjectId;
  }

  private async decision(api: TestApi, attempt?: string) {
    const asked = verify({ backend: this.as(api, 'backend') } as Hospital, this.staying.subjectId);
    const { status, body } = await (attempt ? asked.set('idempotency-key', attempt) : asked);
    return { status, ...body };
  }

  /** That everything is found again, that rights go on, and that what goes on is recorded. Ends with a withdrawal. */
  async goOn(api: TestApi): Promise<Record<string, unknown>> {
    const registrar = this.as(api, 'registrar');
    const jwks: JSONWebKeySet = (await registrar.get('/v1/signing-keys')).body;
    const kids = jwks.keys.map(({ kid }) => kid);
    const { protectedHeader } = await compactVerify(this.receipt, createLocalJWKSet(jwks));
    const before = await this.decision(api);
    const repeated = await this.decision(api, this.match.attempt);
    const found = await Promise.all([this.find(api, this.staying.subjectId), this.find(api, this.erasedSubject)]);
    const again = await registrar.put(`/v1/subjects/${randomUUID()}`).send({
      externalRef: `MRN-${this.staying.subjectId}`,
      kind: 'patient',
    });
    const { consentId, subjectId } = this.staying;
    const another = await this.as(api, 'backend')
      .put(`/v1/templates/${randomUUID()}`)
      .send(enrolmentOf(subjectId, faceOf(2)));
    await registrar.post(`/v1/consents/${consentId}/withdrawal`).send({ channel: 'counter' }).expect(200);
    const after = await this.decision(api);
    return {
      receiptKeyIsHere: kids.includes(protectedHeader.kid),
      accepts: before.decision === 'accept',
      isAnsweredAsBefore: repeated.matchId === (this.match.body as { matchId?: string }).matchId,
      findsTheLiving: found[0] === subjectId,
      findsTheErased: found[1] !== undefined,
      takesTheReferenceAgain: again.status,
      enrolsAnew: another.status,
      afterWithdrawal: [after.status, after.type],
    };
  }

  /** What the doctor finds wrong. */
  async illnesses(api: TestApi): Promise<string[]> {
    await api.app.get(Views).catchUp();
    const found: Finding[] = [];
    for await (const finding of examineTenant(patientIn(api.app, { folder: '' }), tenant, silent)) found.push(finding);
    return found.flatMap(({ isWell, text }) => (isWell ? [] : [text]));
  }
}

/** What `goOn` must come to. */
export const goneOn = {
  receiptKeyIsHere: true,
  accepts: true,
  isAnsweredAsBefore: true,
  findsTheLiving: true,
  findsTheErased: false,
  takesTheReferenceAgain: 409,
  enrolsAnew: 201,
  afterWithdrawal: [403, 'urn:lethe:problem:matching.not-permitted'],
};
