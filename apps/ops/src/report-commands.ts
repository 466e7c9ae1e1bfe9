import { writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { acting } from './acting.js';
import { Refused } from './door.js';
import type { House } from './house.js';

interface Choice {
  readonly format: string;
  readonly out?: string;
  readonly from?: string;
  readonly to?: string;
  readonly purpose?: string;
  readonly at?: string;
}

/** Reports, as a data-protection officer takes them out. */
export function addReportCommands(program: Command, house: House): void {
  const report = program.command('report').description('reports of a hospital, as of a position in its log');
  const add = (name: string, description: string, formats: readonly string[]) =>
    report
      .command(`${name} <tenant>`)
      .description(description)
      .addOption(new Option('--format <format>', 'form of the report').choices(formats).default(formats[0]))
      .option('--out <file>', 'writes it there in place of the screen')
      .option('--from <instant>', 'facts from then on')
      .option('--to <instant>', 'facts before then')
      .option('--purpose <purposeId>', 'of one purpose')
      .option('--at <sequence>', 'as of this position in the log')
      .action(async (tenant: string, choice: Choice) => exportReport(house, name, tenant, choice));
  add('lifecycle', 'one row for each thing that happened to a consent or a template', ['csv', 'ndjson', 'json']);
  add('summary', 'counts and latencies', ['json']);
}

async function exportReport(house: House, name: string, tenant: string, choice: Choice): Promise<void> {
  const door = await house.door();
  const { format, from, to, purpose: purposeId, at } = choice;
  const given = { ...(name === 'lifecycle' && { format }), from, to, purposeId, at };
  const query = new URLSearchParams(Object.entries(given).filter((pair): pair is [string, string] => Boolean(pair[1])));
  const path = `/v1/reports/${name}?${query.toString()}`;
  const who = { tenant, role: 'dpo', adminKey: house.adminKey(), key: process.env.LETHE_KEY };
  const answer = await acting(door, who, house.now(), (key) => door.call({ method: 'GET', path, key }));
  if (answer.status !== 200) throw new Refused(answer);
  if (!choice.out) {
    process.stdout.write(answer.text);
    return;
  }
  writeFileSync(choice.out, answer.text, { mode: 0o600 });
  const digest = answer.headers['repr-digest'] ?? '';
  console.error(
    `${choice.out}: ${Buffer.byteLength(answer.text)} bytes, log position ${answer.headers['lethe-position']} ${digest}`,
  );
}
