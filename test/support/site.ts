import { setTimeout as pause } from 'node:timers/promises';
import { hospital } from './api.js';
import { type Call, Calls, type Label, roles } from './calls.js';
import { family } from './family.js';
import type { Otherwise } from './hospital.js';
import type { Server } from './server.js';

const triesMax = family.name === 'embedded' ? 1 : 10;

/** A hospital with an active purpose in a server process. Its keys outlive that process; each start of it is told to `move`. */
export class Site extends Calls {
  private constructor(
    private server: Server,
    readonly tenant: string,
    private readonly keys: Record<Label, string>,
  ) {
    super();
  }

  static async open(server: Server, tenant = 'here', otherwise: Otherwise = {}): Promise<Site> {
    const site = new Site(server, tenant, { registrar: '', backend: '', dpo: '', secondDpo: '' });
    await site.asked(await server.send('PUT', `/v1/tenants/${tenant}`, server.adminKey, hospital));
    for (const [label, role] of Object.entries(roles) as [Label, string][]) {
      const keys = await server.send('POST', `/v1/tenants/${tenant}/keys`, server.adminKey, { role, label });
      site.keys[label] = (await site.asked(keys)).key;
    }
    await site.define((call) => site.ask(call), otherwise);
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

  private async asked({ status, text, body }: Awaited<ReturnType<Server['send']>>) {
    if (status >= 200 && status < 300) return body;
    throw new Error(`${status}: ${text}`);
  }
}
