import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Exported, exportTenant, type Side } from '#lib/move';
import { type OpenSide, openSide, quiet, settle, tenant } from './move.js';

/** Where a tenant is settled, where it is to go, and the file between them; in a folder of their own. */
export class TwoSides {
  /** The last export. */
  file = '';
  private readonly opened: OpenSide[] = [];
  readonly from: OpenSide;
  readonly to: OpenSide;

  private constructor(readonly folder: string) {
    this.from = this.open();
    this.to = this.open();
  }

  static async open(): Promise<TwoSides> {
    const sides = new TwoSides(mkdtempSync(join(tmpdir(), 'move-')));
    await settle(sides.from);
    return sides;
  }

  /** One more, empty. */
  open(): OpenSide {
    const side = openSide(mkdtempSync(join(this.folder, 'side-')));
    this.opened.push(side);
    return side;
  }

  /** Exports to a side that awaits it, over what was exported by this name. */
  async exported(target: Side = this.to, name = 'here.move'): Promise<Exported> {
    this.file = join(this.folder, name);
    rmSync(this.file, { force: true });
    return exportTenant(this.from, { tenant, publicKey: await target.keys.receive(tenant) }, this.file, quiet);
  }

  /** Closes the one that was opened last. */
  async closeLast(): Promise<void> {
    await this.opened.pop()?.close();
  }

  async close(): Promise<void> {
    for (const side of this.opened.splice(0)) await side.close();
    rmSync(this.folder, { recursive: true });
  }
}
