import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { StoredEvent } from '#lib/ports';
import { type Operation, outcomeOf } from './history.js';
import { type Finding, findingsIn, owedIn, unerasedIn } from './history-check.js';
import type { RebuiltViews } from './rebuilt-views.js';
import type { Stores } from './stores.js';

const settleMaxMs = 60_000;
const viewsMaxMs = 60_000;
const lookEveryMs = 500;

/** What a cluster looks like once it had time to end what it began. */
export interface Looked {
  readonly findings: readonly Finding[];
  /** Until the last template was erased that had to be. */
  readonly erasedMs: number;
  /** Until every view showed what it must. */
  readonly shownMs: number;
  readonly events: number;
}

/** Looks at what lies in the stores of a cluster that nobody writes to any more but the cluster itself. */
export class Inspection {
  private readonly seen = new Set<string>();
  private readonly logs = new Map<string, readonly StoredEvent[]>();

  constructor(
    private readonly stores: Stores,
    private readonly rebuilt: RebuiltViews,
    private readonly histories: ReadonlyMap<string, readonly Operation[]>,
  ) {}

  /** Waits until everything is erased that must be at this instant, and every view shows its log, a minute at most; then looks. */
  async look(): Promise<Looked> {
    const by = new Date().toISOString();
    const fromMs = performance.now();
    const tenants = [...this.histories.keys()];
    const owing = async () => {
      for (const tenant of tenants) if (owedIn(await this.logOf(tenant), by).length > 0) return true;
      return false;
    };
    while ((await owing()) && performance.now() - fromMs < settleMaxMs) await pause(lookEveryMs);
    const erasedMs = performance.now() - fromMs;
    const differing = await this.differingViews();
    const shownMs = performance.now() - fromMs;
    const findings: Finding[] = differing.map((what) => ({ rule: 'views', what }));
    let events = 0;
    for (const [tenant, operations] of this.histories) {
      const log = await this.stores.logOf(tenant);
      events += log.length;
      findings.push(...findingsIn(operations, log), ...unerasedIn(log, by), ...(await this.remains(tenant, log)));
    }
    return { findings, erasedMs, shownMs, events };
  }

  /** Read on from where it was read to, for who only waits. */
  private async logOf(tenant: string): Promise<readonly StoredEvent[]> {
    const log = await this.stores.logOf(tenant, this.logs.get(tenant));
    this.logs.set(tenant, log);
    return log;
  }

  /** The views that do not become what they must be, whatever is written meanwhile. */
  private async differingViews(): Promise<string[]> {
    const untilMs = performance.now() + viewsMaxMs;
    for (;;) {
      const differing: string[] = [];
      for (const tenant of this.histories.keys()) {
        await this.rebuilt.take(tenant, await this.logOf(tenant));
        for (const view of this.rebuilt.names) {
          const [shown, right] = [
            await this.stores.documentsOf(tenant, view),
            await this.rebuilt.documentsOf(tenant, view),
          ];
          if (!isDeepStrictEqual(shown, right)) differing.push(differenceOf(`${tenant}/${view}`, shown, right));
        }
      }
      if (differing.length === 0 || performance.now() > untilMs) return differing;
      await pause(lookEveryMs);
    }
  }

  /** Whatever is left of templates that were erased since the last look. */
  private async remains(tenant: string, log: readonly StoredEvent[]): Promise<Finding[]> {
    const keyOf = new Map<string, string>();
    const erased: string[] = [];
    for (const { type, data } of log) {
      const { templateId = '', keyId = '' } = data as { templateId?: string; keyId?: string };
      if (type === 'template.enrolled') keyOf.set(templateId, keyId);
      if (type !== 'template.erased' || this.seen.has(templateId)) continue;
      this.seen.add(templateId);
      erased.push(keyOf.get(templateId) ?? '');
    }
    if (erased.length === 0) return [];
    return (await this.stores.remainsOf(tenant, erased)).map((what) => ({ rule: 'remains', what }));
  }
}

type Row = { readonly id: string };

function differenceOf(name: string, shown: readonly Row[], right: readonly Row[]): string {
  const byId = new Map(right.map((row) => [row.id, row]));
  const wrong = shown.filter((row) => !isDeepStrictEqual(row, byId.get(row.id)));
  const ids = new Set(shown.map(({ id }) => id));
  const missing = right.filter(({ id }) => !ids.has(id));
  const first = wrong[0] ?? missing[0];
  const counted = `${shown.length} documents for ${right.length}, ${wrong.length} wrong, ${missing.length} missing`;
  return `${name}: ${counted}${first ? `, the first ${JSON.stringify(first)} for ${JSON.stringify(byId.get(first.id))}` : ''}`;
}

/** Those whose last consent was withdrawn, for certain, and who gave no other since. */
export function blockedIn(operations: readonly Operation[]): string[] {
  const last = new Map<string, Operation>();
  for (const operation of operations) {
    if (operation.kind === 'consent' || operation.kind === 'withdraw') last.set(operation.subjectId, operation);
  }
  return [...last].flatMap(([subjectId, operation]) =>
    operation.kind === 'withdraw' && outcomeOf(operation) === 'done' ? [subjectId] : [],
  );
}
