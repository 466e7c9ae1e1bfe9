import { LRUCache } from 'lru-cache';
import type { TenantId } from '#lib/core';
import type { CommitPlace } from './commit-document.js';

const streamsMax = 50_000;
const tenantsMax = 10_000;
const pagesMax = 10_000;

/**
 * What this process has seen stored, bounded. All of it stays true whatever others write: places are never given up, and
 * what ends somewhere has everything before it.
 */
export class CommitMemory {
  private readonly ends = new LRUCache<string, number>({ max: streamsMax });
  private readonly heads = new LRUCache<TenantId, number>({ max: tenantsMax });
  private readonly pages = new LRUCache<string, true>({ max: pagesMax });

  /** The highest revision of a stream that a commit was seen to end at; 0 for none. */
  endOf(tenant: TenantId, stream: string): number {
    return this.ends.get(`${tenant}/${stream}`) ?? 0;
  }

  /** The highest sequence of a tenant that a commit was seen to end at; 0 for none. */
  headOf(tenant: TenantId): number {
    return this.heads.get(tenant) ?? 0;
  }

  saw(tenant: TenantId, { stream, last, end }: CommitPlace): void {
    if (last > this.endOf(tenant, stream)) this.ends.set(`${tenant}/${stream}`, last);
    this.sawHead(tenant, end);
  }

  sawHead(tenant: TenantId, end: number): void {
    if (end > this.headOf(tenant)) this.heads.set(tenant, end);
  }

  /** Whoever reads a log page by page asks next for what comes after this one. */
  sawPage(tenant: TenantId, end: number): void {
    this.pages.set(`${tenant}/${end}`, true);
  }

  /** Whether a commit is known to end at the sequence; false when it is not known. */
  isEnd(tenant: TenantId, sequence: number): boolean {
    return sequence === 0 || this.headOf(tenant) === sequence || this.pages.has(`${tenant}/${sequence}`);
  }
}
