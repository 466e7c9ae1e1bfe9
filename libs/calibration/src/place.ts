/** The first place among ascending `values` that is not below `wanted`, or with `isPast` is above it. */
export function placeOf(values: Float64Array, wanted: number, end = values.length, isPast = false): number {
  let [low, high] = [0, end];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const value = values[middle] as number;
    if (value < wanted || (isPast && value === wanted)) low = middle + 1;
    else high = middle;
  }
  return low;
}
