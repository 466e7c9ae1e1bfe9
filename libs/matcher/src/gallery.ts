import { blockRows, bytesFor, type Layout, lanesProbesMax, layoutOf, pageBytes, pagesOf } from './layout.js';
import { quantiseRow, type RowFigures } from './quantised.js';

/** Of a row that nobody is in: no interval of it reaches anything. */
const nothing: RowFigures = {
  scale: 0,
  coarseError: Number.NEGATIVE_INFINITY,
  error: Number.NEGATIVE_INFINITY,
};

/** More templates than a gallery was made for, or than there is memory. Nothing was changed. */
export class GalleryFull extends Error {
  override readonly name = 'GalleryFull';
}

/**
 * Quantised rows of the templates of one purpose, in memory that threads share: the only thing that is compared with probes.
 * All changes are made by one thread, at once and in the order of the calls. A row that goes is overwritten before the call
 * returns, and its place is taken by a later one. Holds ids and rows, never an f32 of an embedding.
 */
export class Gallery {
  private readonly rows = new Map<string, number>();
  private readonly ids: (string | undefined)[] = [];
  private readonly changes: number[] = [];
  private readonly free: number[] = [];
  private blocks = 0;
  private changed = 0;
  /** Over all the memory there is now. To ask the memory for it is slow. */
  private bytes: Uint8Array<SharedArrayBuffer>;
  private view: DataView;
  /** Where a row is made before it has a place. */
  private readonly desk: Uint8Array;

  private constructor(
    readonly layout: Layout,
    readonly memory: WebAssembly.Memory,
    readonly rowsMax: number,
  ) {
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    this.desk = new Uint8Array(layout.strideBytes);
  }

  /**
   * @param lanes threads that may scan it at once
   * @throws RangeError when the dimension is out of bounds, or so many rows take over 4 GiB
   */
  static of({ dim, rowsMax, lanes = 1 }: { dim: number; rowsMax: number; lanes?: number }): Gallery {
    const layout = layoutOf(dim, rowsMax, lanes);
    const [initial, maximum] = [pagesOf(layout, 0), pagesOf(layout, layout.blocksMax)];
    return new Gallery(layout, new WebAssembly.Memory({ initial, maximum, shared: true }), rowsMax);
  }

  get size(): number {
    return this.rows.size;
  }

  /** Blocks that a scan has to go through. */
  get blockCount(): number {
    return this.blocks;
  }

  /** Taken from the machine: 524 bytes a row at 512 coordinates, in blocks of 4,096, and what threads work in. */
  get memoryBytes(): number {
    return bytesFor(this.layout, this.blocks * blockRows);
  }

  /** What it takes from the machine when it is full. */
  get memoryMaxBytes(): number {
    return bytesFor(this.layout, this.layout.blocksMax * blockRows);
  }

  /** Counts changes: what was changed after `now` was read has a higher one. */
  get now(): number {
    return this.changed;
  }

  has(id: string): boolean {
    return this.rows.has(id);
  }

  /** Who is in a row now, and since which change. */
  holder(row: number): { readonly id: string | undefined; readonly since: number } {
    return { id: this.ids[row], since: this.changes[row] ?? 0 };
  }

  /**
   * Adds a template, or replaces the one of this id.
   * @param vector rotated, of length 1
   * @throws GalleryFull, RangeError when the vector is not what it must be; then nothing was changed
   */
  put(id: string, vector: Float64Array): void {
    if (vector.length !== this.layout.dim) throw new RangeError('a template of another dimension');
    try {
      const figures = quantiseRow(vector, this.desk);
      const row = this.rows.get(id) ?? this.freeRow();
      // A scan on its way may see half of it: it is not taken for a finding, because it was changed since.
      this.clear(row);
      const [upper, lower] = this.halves(row);
      upper.set(this.desk.subarray(0, upper.length));
      lower.set(this.desk.subarray(upper.length));
      this.setFigures(row, figures);
      this.rows.set(id, row);
      this.ids[row] = id;
    } finally {
      this.desk.fill(0);
    }
  }

  /** Overwrites the template of this id with zeros; false when there is none. */
  forget(id: string): boolean {
    const row = this.rows.get(id);
    if (row === undefined) return false;
    this.clear(row);
    this.rows.delete(id);
    this.ids[row] = undefined;
    this.free.push(row);
    return true;
  }

  /** Where the probes of a thread are quantised. */
  lane(lane: number): Int8Array {
    const { laneBytes, strideBytes } = this.layout;
    return new Int8Array(this.bytes.buffer, lane * laneBytes, lanesProbesMax * strideBytes);
  }

  /** Overwrites what a thread worked with: probes, and what came of comparing them. */
  clearLane(lane: number): void {
    const { laneBytes } = this.layout;
    this.bytes.fill(0, lane * laneBytes, (lane + 1) * laneBytes);
  }

  /** Overwrites everything. */
  clearAll(): void {
    for (const id of [...this.rows.keys()]) this.forget(id);
    this.bytes.fill(0, 0, this.layout.blocksFrom);
  }

  private clear(row: number): void {
    this.setFigures(row, nothing);
    for (const half of this.halves(row)) half.fill(0);
    this.changes[row] = ++this.changed;
  }

  private freeRow(): number {
    if (this.rows.size >= this.rowsMax) throw new GalleryFull(`a gallery of ${this.rowsMax} templates is full`);
    if (this.free.length === 0) this.addBlock();
    return this.free.pop() as number;
  }

  private addBlock(): void {
    const { layout, memory, blocks } = this;
    try {
      memory.grow(pagesOf(layout, blocks + 1) - this.bytes.byteLength / pageBytes);
    } catch (cause) {
      throw new GalleryFull(`there is no memory for more than ${this.rows.size} templates`, { cause });
    }
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    for (let row = (blocks + 1) * blockRows - 1; row >= blocks * blockRows; row--) {
      this.setFigures(row, nothing);
      this.free.push(row);
    }
    this.blocks = blocks + 1;
  }

  /** The upper halves of a row's coordinates, and the lower ones. */
  private halves(row: number): readonly [upper: Uint8Array, lower: Uint8Array] {
    const halfBytes = this.layout.strideBytes / 2;
    const upper = this.blockAt(row) + (row % blockRows) * halfBytes;
    const lower = upper + blockRows * halfBytes;
    return [this.bytes.subarray(upper, upper + halfBytes), this.bytes.subarray(lower, lower + halfBytes)];
  }

  private setFigures(row: number, { scale, coarseError, error }: RowFigures): void {
    const at = this.blockAt(row) + blockRows * this.layout.strideBytes + (row % blockRows) * 4;
    this.view.setFloat32(at + blockRows * 8, error, true);
    this.view.setFloat32(at + blockRows * 4, coarseError, true);
    this.view.setFloat32(at, scale, true);
  }

  private blockAt(row: number): number {
    const { blocksFrom, blockBytes } = this.layout;
    return blocksFrom + Math.floor(row / blockRows) * blockBytes;
  }
}
