import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { say } from './table.mjs';

/** `name: a 1, b 2` for figures by name, and a line like that for each where they hold figures by name themselves. */
function lines(name, figures) {
  if (figures === null) return [];
  if (typeof figures !== 'object') return [`${name}: ${figures}`];
  const entries = Object.entries(figures);
  if (entries.some(([, value]) => value !== null && typeof value === 'object')) {
    return entries.flatMap(([key, value]) => lines(`${name} ${key}`, value));
  }
  return [`${name}: ${entries.map(([key, value]) => `${key} ${value ?? 'none'}`).join(', ')}`];
}

/** Writes the lifecycle report as it stands now to `file`, and prints the summary. Answers what did not hold that must. */
export async function writeReport(client, { keys }, file) {
  const { text, headers } = await client.call(200, 'GET', '/v1/reports/lifecycle?format=csv', { key: keys.dpo });
  const at = headers.get('lethe-position');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  const rows = text.trim().split(/\r?\n/).length - 1;
  say(
    `${rows} rows of the patients' and templates' lives, up to position ${at} of the log: ${relative(process.cwd(), file)}`,
  );

  const { body } = await client.call(200, 'GET', `/v1/reports/summary?at=${at}`, { key: keys.dpo });
  for (const [topic, figures] of Object.entries(body)) for (const line of lines(topic, figures)) say(line);

  const digest = `sha-256=:${createHash('sha256').update(text).digest('base64')}:`;
  const stated = headers.get('repr-digest');
  return [
    ...(/template\.erased/.test(text) ? [] : ['the report does not tell of the erasure']),
    ...(stated && stated !== digest ? ['the report does not have the digest it states'] : []),
  ];
}
