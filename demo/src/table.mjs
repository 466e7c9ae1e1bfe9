import { stdout } from 'node:process';

const barWidth = 30;

/** A heading of the story. */
export const chapter = (title) => console.log(`\n${title}`);

/** One line of the story. */
export const say = (text) => console.log(`  ${text}`);

/** A share with its counts: `58 of 61 (95.1 %)`. */
export const share = (part, whole) =>
  `${part} of ${whole}${whole > 0 ? ` (${((100 * part) / whole).toFixed(1)} %)` : ''}`;

/** Rows of equal length as columns: the first flush left, the others right. The first row is the heading. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  const line = (row) =>
    row
      .map((cell, column) => (column === 0 ? String(cell).padEnd(widths[0]) : String(cell).padStart(widths[column])))
      .join('  ')
      .trimEnd();
  const [heading, ...rest] = rows;
  for (const text of [line(heading), widths.map((width) => '-'.repeat(width)).join('  '), ...rest.map(line)]) say(text);
}

/**
 * Shows how far long work is, as a function of how much is done: a bar that moves on a terminal, and elsewhere one line
 * when it is done, without escape codes.
 */
export function progress(title) {
  const startedAt = performance.now();
  return (done, total) => {
    const filled = Math.round((barWidth * done) / total);
    const seconds = `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`;
    const isDone = done === total;
    if (!stdout.isTTY) {
      if (isDone) say(`${title}: ${total}, ${seconds}`);
      return;
    }
    const bar = `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
    stdout.write(`\r  ${title} ${bar} ${done}/${total}, ${seconds}${isDone ? '\n' : ''}`);
  };
}
