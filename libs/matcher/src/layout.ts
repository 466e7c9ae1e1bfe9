/** Of WebAssembly's memory. */
export const pageBytes = 65_536;
const pagesMax = 65_536;
/** Of a row beside its coordinates: its scale and two errors, four bytes each. */
const rowExtraBytes = 12;

export const dimMin = 64;
export const dimMax = 2_048;
/** Probes that are compared in one pass over the rows, at most. */
export const lanesProbesMax = 4;
/** Rows to a block: their upper halves are 1 MB at 512 coordinates, and what is found in one stays in the nearest caches. */
export const blockRows = 4_096;

/**
 * Where everything lies in the memory of a gallery, in bytes: lanes, each the work space of one thread; then blocks of rows.
 * A block holds the upper halves of the coordinates of its rows, and then the lower halves; then, f32 each, the rows' scales,
 * how far the upper halves alone are from the row as it was, and how far both are.
 */
export interface Layout {
  readonly dim: number;
  /** From one probe to the next: coordinates and zeros up to a multiple of 64; half of it from one row to the next in either plane. */
  readonly strideBytes: number;
  readonly lanes: number;
  readonly blocksMax: number;
  readonly laneBytes: number;
  readonly blockBytes: number;
  readonly blocksFrom: number;
}

/**
 * @param lanes threads that may scan at once
 * @throws RangeError when the dimension is not from 64 to 2,048, or so many rows do not fit into 4 GiB
 */
export function layoutOf(dim: number, rowsMax: number, lanes: number): Layout {
  if (!Number.isInteger(dim) || dim < dimMin || dim > dimMax) {
    throw new RangeError(`a dimension is from ${dimMin} to ${dimMax}, not ${dim}`);
  }
  const strideBytes = Math.ceil(dim / 64) * 64;
  const laneBytes = lanesProbesMax * strideBytes + lanesProbesMax * blockRows * 4 + blockRows * rowExtraBytes;
  const blockBytes = blockRows * (strideBytes + rowExtraBytes);
  const blocksMax = Math.max(1, Math.ceil(rowsMax / blockRows));
  const layout = { dim, strideBytes, lanes, blocksMax, laneBytes, blockBytes, blocksFrom: lanes * laneBytes };
  if (pagesOf(layout, blocksMax) > pagesMax) throw new RangeError(`${rowsMax} rows of ${dim} do not fit into 4 GiB`);
  return layout;
}

/** Pages of memory, of 64 KiB, that so many blocks take. */
export const pagesOf = ({ blocksFrom, blockBytes }: Layout, blocks: number): number =>
  Math.ceil((blocksFrom + blocks * blockBytes) / pageBytes);

/** Bytes for so many rows, whole blocks of them. */
export const bytesFor = (layout: Layout, rows: number): number =>
  pagesOf(layout, Math.ceil(rows / blockRows)) * pageBytes;
