import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Canary, patternsOf } from './canary.js';
import type { Site } from './site.js';

/** A patient of whom everything secret is known to the test. */
export class Known {
  readonly subjectId = randomUUID();
  readonly consentId = randomUUID();
  readonly templateId = randomUUID();
  readonly enrolled: Canary;
  readonly probes: readonly Canary[];
  readonly texts = ['MRN', 'evidence', 'reason'].map((what) => `${what}-canary-${randomUUID()}`);

  constructor(seed: number) {
    this.enrolled = new Canary(seed);
    this.probes = [1, 2].map((n) => new Canary(100 * seed + n, this.enrolled));
  }

  faces(): [string, Buffer][] {
    return [this.enrolled, ...this.probes].flatMap((canary) => [...canary.patterns()]);
  }

  secrets(): [string, Buffer][] {
    return [...this.faces(), ...this.texts.flatMap((text) => [...patternsOf(text)])];
  }

  async arrive(site: Site): Promise<void> {
    const [reference, evidence] = this.texts;
    await site.ask(site.registration(this.subjectId, reference));
    await site.ask(site.agreement(this.subjectId, this.consentId, evidence));
    await site.ask(site.enrolment(this.subjectId, this.templateId, this.enrolled.face));
  }

  /** Is compared with both probes, one in JSON and one in bytes; answers what was decided. */
  async match(site: Site): Promise<string[]> {
    const decisions = [];
    for (const [n, { face }] of this.probes.entries()) {
      const { body } = await site.call(site.verification(this.subjectId, face, n === 0 ? 'json' : 'bytes'));
      decisions.push(body.decision ?? body.type);
    }
    return decisions;
  }

  async withdraw(site: Site): Promise<void> {
    const [, , reason] = this.texts;
    await site.ask({ ...site.withdrawal(this.consentId), body: { channel: 'counter', reason } });
  }

  /** Waits until the erasure of the template is over. */
  async erased(site: Site): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      const { body } = await site.call({ method: 'GET', path: `/v1/erasures/${this.templateId}`, as: 'backend' });
      if (body.state === 'erased') return;
      await pause(25);
    }
    throw new Error(`${this.templateId} is not erased after 10 s`);
  }
}
