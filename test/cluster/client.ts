import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { type Attempt, isDefinite, type Operation } from './history.js';

const attemptMaxMs = 5_000;
const pauseMinMs = 50;
const pauseMaxMs = 1_000;

/** A call as it goes out. */
export interface Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly key: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** Empty where it is no JSON. */
  readonly body: Readonly<Record<string, unknown>>;
}

export type Turn = (work: () => Promise<Attempt>) => Promise<Attempt>;
const now: Turn = (work) => work();

/** How a caller asks: for how long, when each try may begin, and where; at any server where it is not said. */
export interface Manner {
  readonly patienceMs: number;
  readonly turn?: Turn;
  readonly server?: number | undefined;
}

/** Calls several servers that are one, and asks again as callers would whose answer did not come. */
export class Client {
  private readonly agent = new Agent({ keepAlive: true });
  private readonly startedMs = performance.now();

  constructor(
    readonly urls: readonly string[],
    private readonly random: () => number,
  ) {}

  /** Since this was made. */
  nowMs(): number {
    return performance.now() - this.startedMs;
  }

  /** One try at one server. @throws when no answer comes within 5 s */
  async send(server: number, { method, path, key, body, headers }: Call, maxMs = attemptMaxMs): Promise<Answered> {
    const isBytes = body instanceof Uint8Array;
    const sent = isBytes ? body : Buffer.from(body ? JSON.stringify(body) : '');
    const type = isBytes ? 'application/octet-stream' : 'application/json';
    const asked = request(`${this.urls[server]}${path}`, {
      method,
      agent: this.agent,
      signal: AbortSignal.timeout(maxMs),
      headers: {
        ...(key && { authorization: `Bearer ${key}` }),
        ...(body && { 'content-type': type, 'content-length': String(sent.byteLength) }),
        ...headers,
      },
    }).end(sent);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const answered = await text(answer);
    const isJson = answer.headers['content-type']?.includes('json') ?? false;
    const { statusCode: status = 0, headers: told } = answer;
    return { status, headers: told, text: answered, body: isJson ? JSON.parse(answered) : {} };
  }

  anyServer(): number {
    return Math.floor(this.random() * this.urls.length);
  }

  /** Sends it, and again where nothing definite comes; notes every try. */
  async perform(operation: Operation, call: Call, { patienceMs, turn = now, server }: Manner): Promise<Operation> {
    const untilMs = this.nowMs() + patienceMs;
    for (let pauseMs = pauseMinMs; ; pauseMs = Math.min(2 * pauseMs, pauseMaxMs)) {
      const attempt = await turn(() => this.attempt(operation, call, server ?? this.anyServer()));
      if (isDefinite(attempt) || this.nowMs() > untilMs) return operation;
      await pause(pauseMs * (0.5 + this.random()));
    }
  }

  /** As `perform`, at any server, where only a 2xx will do and nobody keeps a history. @throws when none came */
  async ask(call: Call, patienceMs = 60_000, server?: number): Promise<Answered> {
    const untilMs = this.nowMs() + patienceMs;
    for (;;) {
      const answer = await this.send(server ?? this.anyServer(), call).catch((error: Error) => error);
      if (!(answer instanceof Error) && answer.status < 300) return answer;
      const said = answer instanceof Error ? answer.message : `${answer.status} ${answer.text}`;
      const isHopeless = !(answer instanceof Error) && answer.status < 500 && answer.status !== 409;
      if (isHopeless || this.nowMs() > untilMs) throw new Error(`${call.method} ${call.path}: ${said}`);
      await pause(200);
    }
  }

  close(): void {
    this.agent.destroy();
  }

  private async attempt(operation: Operation, call: Call, server: number): Promise<Attempt> {
    const attempt: Attempt = { server, beganMs: this.nowMs(), endedMs: Number.POSITIVE_INFINITY };
    operation.attempts.push(attempt);
    try {
      const { status, headers, body } = await this.send(server, call);
      attempt.status = status;
      if (status >= 400)
        attempt.problem = (typeof body.type === 'string' ? body.type : 'none').replace('urn:lethe:problem:', '');
      if (Array.isArray(body.alternatives) && body.alternatives.length > 0) attempt.hasAlternatives = true;
      if (isDefinite(attempt)) operation.answer = { status, position: Number(headers['lethe-position'] ?? 0), body };
    } catch {
      // No answer: the attempt says so by having no status.
    }
    attempt.endedMs = this.nowMs();
    return attempt;
  }
}
