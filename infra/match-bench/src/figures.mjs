/** Three digits: what comes after them is noise. */
export const figure = (x) => Number(x.toPrecision(3));

/** The least of these numbers that so large a share of them is not above: 0.5 for the median, 0 and 1 for the ends. */
export const shareOf = (numbers, share) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
};
