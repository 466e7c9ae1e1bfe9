import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from './client.js';

const everyMs = 100;

/** Asks each server now and then for what needs nothing, and so knows how long the machine itself keeps callers waiting. */
export class Pulse {
  private readonly beats: { readonly atMs: number; readonly tookMs: number }[] = [];
  private readonly stopping = new AbortController();
  private readonly beating: Promise<unknown>;

  constructor(private readonly client: Client) {
    this.beating = Promise.all(client.urls.map((_, server) => this.beat(server)));
  }

  /** The longest that `GET /healthz` took between two instants of the client. */
  worstMs(fromMs: number, toMs: number): number {
    const within = this.beats.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
    return Math.max(0, ...within.map(({ tookMs }) => tookMs));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.beating;
  }

  private async beat(server: number): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const atMs = this.client.nowMs();
      // A server that is dead keeps nobody waiting.
      const isAnswered = await this.client.send(server, { method: 'GET', path: '/healthz', key: '' }).then(
        () => true,
        () => false,
      );
      if (isAnswered) this.beats.push({ atMs, tookMs: this.client.nowMs() - atMs });
      await pause(everyMs);
    }
  }
}
