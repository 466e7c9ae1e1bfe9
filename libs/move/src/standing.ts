import type { TenantId } from '#lib/core';
import type { StoredEvent } from '#lib/ports';
import { isInUse } from './in-use.js';
import { eventBytes } from './move-line.js';
import type { Side } from './side.js';

const pageMax = 1_000;

/** What stands of a tenant where it is to go, read beside the file event by event: whether it is the same history. */
export class Standing {
  private page: readonly StoredEvent[] = [];
  /** Where the history here is another one for the first time; undefined while it is the same. */
  differsAt: number | undefined;

  private constructor(
    private readonly side: Side,
    private readonly tenant: TenantId,
    /** The last event that stands here; 0 for none. */
    readonly head: number,
    /** Whether the tenant is in use here; where its keys cannot be read, taking over says so. */
    readonly hasKeys: boolean,
  ) {}

  static async of(side: Side, tenant: TenantId): Promise<Standing> {
    return new Standing(side, tenant, await side.store.head(tenant), await isInUse(side.keys, tenant));
  }

  /** Takes the next event of the file. */
  async compare(event: StoredEvent): Promise<void> {
    if (this.differsAt !== undefined || event.sequence > this.head) return;
    const [first] = this.page;
    if (!first || event.sequence >= first.sequence + this.page.length) {
      this.page = await this.side.store.readLog(this.tenant, event.sequence - 1, pageMax);
    }
    const here = this.page[event.sequence - (this.page[0]?.sequence ?? 0)];
    if (!here || eventBytes(here) !== eventBytes(event)) this.differsAt = event.sequence;
  }
}
