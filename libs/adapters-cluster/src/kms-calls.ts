import { KMSClient } from '@aws-sdk/client-kms';
import { type Clock, KeysUnavailable, type Random } from '#lib/ports';
import type { KmsPlace } from './cluster-settings.js';

const firstPauseMs = 20;
const pauseMaxMs = 400;

/** What passes by itself: too many calls, or a fault of the service's own. */
const passing = new Set([
  'ThrottlingException',
  'TooManyRequestsException',
  'LimitExceededException',
  'KMSInternalException',
  'DependencyTimeoutException',
  'KeyUnavailableException',
]);
const throttling = new Set(['ThrottlingException', 'TooManyRequestsException', 'LimitExceededException']);

/** What a key may answer right after it was made or changed, until all of KMS knows of it. */
export const unsettled: ReadonlySet<string> = new Set(['NotFoundException', 'KMSInvalidStateException']);

/** KMS answered, and said no: `code` is its own name for the reason, such as `KMSInvalidStateException`. */
export class KmsRefusal extends KeysUnavailable {
  constructor(
    readonly code: string,
    cause: unknown,
  ) {
    super(`KMS refuses: ${code}`, { cause });
  }
}

/** Counted since the process began. */
export interface KmsReadings {
  /** Requests sent, those sent again included. */
  calls: number;
  /** Requests sent again. */
  retries: number;
  /** Requests turned away because there were too many. */
  throttled: number;
  /** What was given up, or refused. */
  failures: number;
  /** How long requests took, together, and the last one. */
  latencySumMs: number;
  lastLatencyMs: number;
}

/** How long a request waits for its answer. */
export interface Patience {
  /** Names of refusals that pass by themselves, for this request. */
  readonly also?: ReadonlySet<string>;
  /** So many times as long as a request that somebody waits for. */
  readonly times?: number;
}

interface Failure {
  readonly name?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** Requests to KMS that end in time: sent again, with growing pauses, while it is throttled, failing or not there. */
export class KmsCalls {
  readonly readings: KmsReadings = {
    calls: 0,
    retries: 0,
    throttled: 0,
    failures: 0,
    latencySumMs: 0,
    lastLatencyMs: 0,
  };
  private readonly kms: KMSClient;
  private readonly timeoutMs: number;

  constructor(
    place: KmsPlace,
    private readonly random: Random,
    private readonly ticks: Clock,
  ) {
    this.timeoutMs = place.timeoutMs;
    this.kms = new KMSClient({
      region: place.region,
      ...(place.endpoint && { endpoint: place.endpoint }),
      ...(place.credentials && { credentials: place.credentials }),
      maxAttempts: 1,
      requestHandler: { connectionTimeout: Math.ceil(place.timeoutMs / 2), throwOnRequestTimeout: true },
    });
  }

  /**
   * Sends until there is an answer. A request may be carried out more than once.
   * @throws KmsRefusal, KeysUnavailable when there was no answer in time
   */
  async send<T>(
    request: (
      kms: KMSClient,
      options: { readonly abortSignal: AbortSignal; readonly requestTimeout: number },
    ) => Promise<T>,
    { also, times = 1 }: Patience = {},
  ): Promise<T> {
    const timeoutMs = times * this.timeoutMs;
    const [late, ended] = [new AbortController(), new AbortController()];
    void this.ticks.sleep(timeoutMs, ended.signal).then(() => late.abort());
    // Half, so that a connection that died unnoticed leaves time for another one.
    const options = { abortSignal: late.signal, requestTimeout: Math.ceil(timeoutMs / 2) };
    try {
      for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, pauseMaxMs)) {
        try {
          return await this.timed(() => request(this.kms, options));
        } catch (error) {
          const { name = 'unknown', $metadata: { httpStatusCode: status = 0 } = {} } = error as Failure;
          if (throttling.has(name) || status === 429) this.readings.throttled++;
          const passes = passing.has(name) || also?.has(name) || status === 0 || status === 429 || status >= 500;
          if (!passes) throw new KmsRefusal(name, error);
          await this.ticks.sleep(this.jittered(pauseMs), late.signal);
          if (late.signal.aborted) {
            throw new KeysUnavailable(`KMS has not answered in ${timeoutMs} ms (${name})`, { cause: error });
          }
          this.readings.retries++;
        }
      }
    } catch (error) {
      this.readings.failures++;
      throw error;
    } finally {
      ended.abort();
    }
  }

  close(): void {
    this.kms.destroy();
  }

  private async timed<T>(request: () => Promise<T>): Promise<T> {
    const begunMs = this.ticks.now().getTime();
    this.readings.calls++;
    try {
      return await request();
    } finally {
      this.readings.lastLatencyMs = Math.max(0, this.ticks.now().getTime() - begunMs);
      this.readings.latencySumMs += this.readings.lastLatencyMs;
    }
  }

  /** Half of it to all of it, so that processes turned away together do not come back together. */
  private jittered(pauseMs: number): number {
    return (pauseMs * (256 + this.random.bytes(1).readUInt8())) / 512;
  }
}
