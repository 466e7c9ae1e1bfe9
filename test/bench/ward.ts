import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assessment, checkpoint, notice, purpose, thresholdCard } from '../support/policy.js';

const lanes = 32;
const verifying = 'registration';

/** A patient who consented and is enrolled, and a probe of the same face. */
export interface Enrolled {
  readonly subjectId: string;
  readonly templateId: string;
  readonly probe: Buffer;
}

/** A hospital with an active purpose, set up over HTTP in a running server. */
export class Ward {
  private noticeHash = '';
  private noticeVersion = 1;

  private constructor(
    private url: string,
    private readonly adminKey: string,
    readonly keys: Record<'backend' | 'registrar' | 'dpo' | 'dpo2', string>,
    readonly tenant: string,
  ) {}

  static async open(url: string, folder: string): Promise<Ward> {
    const adminKey = readFileSync(join(folder, 'admin.key'), 'utf8').trim();
    const tenant = `bench-${randomUUID().slice(0, 8)}`;
    const ward = new Ward(url, adminKey, { backend: '', registrar: '', dpo: '', dpo2: '' }, tenant);
    await ward.setUp();
    return ward;
  }

  /** The data are served by another process now. */
  moveTo(url: string): void {
    this.url = url;
  }

  /** Registers, takes consent and enrols, many at once; faces are numbered from `firstSeed` on. */
  async admit(count: number, purposeId = verifying, firstSeed = 1): Promise<Enrolled[]> {
    const admitted: Enrolled[] = [];
    let begun = 0;
    const lane = async () => {
      while (begun < count) {
        const seed = firstSeed + begun++;
        admitted.push(await this.admitOne(seed, purposeId));
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return admitted;
  }

  /** Registers and takes consent: all that comes before an enrolment. */
  async consented(purposeId = verifying): Promise<string> {
    const subjectId = randomUUID();
    await this.send('PUT', `/v1/subjects/${subjectId}`, 'registrar', {
      externalRef: `MRN-${subjectId}`,
      kind: 'patient',
    });
    await this.send('PUT', `/v1/consents/${randomUUID()}`, 'registrar', {
      subjectId,
      purposeId,
      noticeId: 'registration-notice',
      noticeVersion: this.noticeVersion,
      noticeHash: this.noticeHash,
      locale: 'zh-CN',
      channel: 'counter-1',
      act: { kind: 'signature', evidence: 'signed form' },
      validUntil: new Date(Date.now() + 300 * 86_400_000).toISOString(),
    });
    return subjectId;
  }

  templateBody(subjectId: string, seed: number, purposeId = verifying) {
    const bytes = faceOf(seed);
    return {
      subjectId,
      purposeId,
      model: { id: thresholdCard.model.id, version: thresholdCard.model.version },
      embedding: { encoding: 'f32le-base64', dim: thresholdCard.model.dim, data: bytes.toString('base64') },
      capturedAt: new Date().toISOString(),
    };
  }

  async send(method: string, path: string, key: keyof Ward['keys'] | 'admin', body?: object) {
    const authorization = `Bearer ${key === 'admin' ? this.adminKey : this.keys[key]}`;
    const answer = await fetch(this.url + path, {
      method,
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  async admitOne(seed: number, purposeId = verifying): Promise<Enrolled> {
    const subjectId = await this.consented(purposeId);
    const templateId = randomUUID();
    await this.send('PUT', `/v1/templates/${templateId}`, 'backend', this.templateBody(subjectId, seed, purposeId));
    return { subjectId, templateId, probe: faceOf(seed) };
  }

  /** A purpose that finds people among many. */
  async search(galleryMax: number): Promise<string> {
    const purposeId = 'search';
    const card = { ...thresholdCard, fmr: 0, interval: { low: 0, high: 1e-10 } };
    await this.send('PUT', '/v1/threshold-cards/of-many', 'dpo', card);
    const identification = { galleryMax, fpirMax: 0.001, searchesPerMinuteMax: 60_000 };
    await this.activate(purposeId, { operations: ['identify'], identification, thresholdCardId: 'of-many' });
    return purposeId;
  }

  private async setUp(): Promise<void> {
    const controller = { name: 'B', address: 'B', contact: 'b@b.example', dpoContact: 'b@b.example' };
    await this.send('PUT', `/v1/tenants/${this.tenant}`, 'admin', { name: 'Bench', controller, pack: 'CN-patient' });
    for (const label of Object.keys(this.keys) as (keyof Ward['keys'])[]) {
      const role = label.replace(/\d$/, '');
      const issued = await this.send('POST', `/v1/tenants/${this.tenant}/keys`, 'admin', { role, label });
      this.keys[label] = issued.key;
    }
    const published = await this.send('PUT', '/v1/notices/registration-notice', 'dpo', notice);
    [this.noticeHash, this.noticeVersion] = [published.hash, published.version];
    await this.send('PUT', '/v1/threshold-cards/synthetic-1', 'dpo', thresholdCard);
    await this.activate(verifying, {});
  }

  private async activate(purposeId: string, terms: object): Promise<void> {
    await this.send('PUT', `/v1/purposes/${purposeId}`, 'dpo', { ...purpose, ...terms });
    const validUntil = new Date(Date.now() + 300 * 86_400_000).toISOString();
    const draft = { ...assessment, purposes: [purposeId], validUntil };
    await this.send('PUT', `/v1/assessments/${purposeId}`, 'dpo', draft);
    await this.send('POST', `/v1/assessments/${purposeId}/approval`, 'dpo2', {});
    await this.send('PUT', `/v1/checkpoints/${purposeId}-desk`, 'dpo', { ...checkpoint, purposeId });
    await this.send('POST', `/v1/purposes/${purposeId}/activation`, 'dpo', {});
  }
}

/** A unit vector of its own for each seed, as little-endian f32. */
export function faceOf(seed: number): Buffer {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const gauss = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const vector = Float32Array.from({ length: thresholdCard.model.dim }, gauss);
  const norm = Math.hypot(...vector);
  return Buffer.from(vector.map((x) => x / norm).buffer);
}
