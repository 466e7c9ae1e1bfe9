import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Figure, Reported } from '#lib/ports';

const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const appendSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2];

/** What this process measures of itself, as docs/metrics.md describes it. No name, id or tenant is ever a label. */
export class Metrics {
  readonly registry = new Registry();
  readonly requests = new Histogram({
    name: 'lethe_http_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: requestSeconds,
    registers: [this.registry],
  });
  readonly appends = new Histogram({
    name: 'lethe_append_duration_seconds',
    help: 'Until an append was durable, refused or failed',
    labelNames: ['outcome'],
    buckets: appendSeconds,
    registers: [this.registry],
  });
  readonly events = new Counter({
    name: 'lethe_events_total',
    help: 'Events stored by this process',
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** A number that is looked up whenever someone asks. Where it cannot be, it is absent: no number is made up. */
  gauge(name: string, help: string, read: () => Promise<number>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.registry],
      collect: async () => {
        const value = await read().catch(() => undefined);
        if (value === undefined) gauge.reset();
        else gauge.set(value);
      },
    });
  }

  /** A figure of something this process stands on. */
  tell({ name, help, kind, label, read }: Figure): void {
    const registers = [this.registry];
    const options = { name, help, registers, ...(label !== undefined && { labelNames: [label] }) };
    const numbers = async () => {
      const reported = await Promise.resolve()
        .then(read)
        .catch((): Reported => new Map());
      return typeof reported === 'number'
        ? [[{}, reported] as const]
        : [...reported].map(([value, number]) => [labelled(label, value), number] as const);
    };
    if (kind === 'gauge') {
      const gauge: Gauge = new Gauge({
        ...options,
        collect: async () => {
          const told = await numbers();
          gauge.reset();
          for (const [labels, number] of told) gauge.set(labels, number);
        },
      });
    } else {
      // The total is kept by whoever counts; here it is only repeated.
      const counter: Counter = new Counter({
        ...options,
        collect: async () => {
          const told = await numbers();
          counter.reset();
          for (const [labels, number] of told) counter.inc(labels, number);
        },
      });
    }
  }

  /** As `gauge`, one number for each value of `label`. */
  gauges(name: string, help: string, label: string, read: () => Promise<ReadonlyMap<string, number>>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect: async () => {
        gauge.reset();
        for (const [value, number] of await read().catch(() => [])) gauge.set({ [label]: value }, number);
      },
    });
  }
}

const labelled = (label: string | undefined, value: string): Record<string, string> =>
  label ? { [label]: value } : {};

/** Measures every request by the template of its route: what stands in a path is nobody's label. */
export function measureRequests(adapter: FastifyAdapter, { requests }: Metrics): void {
  adapter.getInstance().addHook('onResponse', (request, reply, done) => {
    const { url: route = 'none' } = request.is404 ? {} : request.routeOptions;
    requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1_000);
    done();
  });
}
