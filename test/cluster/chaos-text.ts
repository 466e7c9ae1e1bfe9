import type { Round } from './chaos-run.js';

const shownMax = 10;
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
const whole = (ms: number) => `${Math.round(ms)} ms`;

/** A line about one fault; and one about each thing that was wrong. */
export function lineOf(round: Round): string {
  const { fault, lastedMs, recoveredMs, erasedMs, shownMs, answers, limitMs, findings, operations, events, deaths } =
    round;
  const verdict = findings.length === 0 ? 'ok' : `${findings.length} VIOLATIONS`;
  const said = [
    `${fault.name}: ${fault.what}, for ${seconds(lastedMs)}`,
    `recovered in ${seconds(recoveredMs)}`,
    `owed erasures done ${seconds(erasedMs)} and views right ${seconds(shownMs)} later`,
    `${answers.count} answers, the slowest ${whole(answers.worstMs)} (limit ${whole(limitMs)})`,
    `${operations} operations against ${events} events`,
    ...(deaths > 0 ? [`${deaths} deaths of processes by themselves so far`] : []),
    verdict,
  ];
  const wrong = findings.slice(0, shownMax).map(({ rule, what }) => `    ${rule}: ${what}`);
  const more = findings.length > shownMax ? [`    and ${findings.length - shownMax} more`] : [];
  return [said.join('; '), ...wrong, ...more].join('\n');
}

const columns = [
  'fault',
  'times',
  'recovered, worst',
  'answers',
  'slowest',
  'limit',
  'without alternatives',
  'verdict',
];

/** All of it, a row for each kind of fault. */
export function tableOf(rounds: readonly Round[]): string {
  const names = [...new Set(rounds.map(({ fault }) => fault.name))].sort();
  const rows = names.map((name) => {
    const own = rounds.filter(({ fault }) => fault.name === name);
    const most = (of: (round: Round) => number) => Math.max(...own.map(of));
    const sum = (of: (round: Round) => number) => own.reduce((total, round) => total + of(round), 0);
    const wrong = sum(({ findings }) => findings.length);
    return [
      name,
      String(own.length),
      seconds(most(({ recoveredMs }) => recoveredMs)),
      String(sum(({ answers }) => answers.count)),
      whole(most(({ answers }) => answers.worstMs)),
      whole(most(({ limitMs }) => limitMs)),
      String(sum(({ answers }) => answers.withoutAlternatives)),
      wrong === 0 ? 'ok' : `${wrong} violations`,
    ];
  });
  const lines = [columns, columns.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
