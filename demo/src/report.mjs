import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { say } from './table.mjs';

/** Writes the lifecycle report as it stands now to `file`, and prints the summary. Answers what did not hold that must. */
export async function writeReport(client, { keys }, file) {
  const at = client.position;
  const answer = await client.call(200, 'GET', `/v1/reports/lifecycle?format=csv&at=${at}`, { key: keys.dpo });
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, answer.text);
  const rows = answer.text.trim().split(/\r?\n/).length - 1;
  say(`${rows} lifecycle facts up to position ${at}: ${relative(process.cwd(), file)}`);

  const { body } = await client.call(200, 'GET', `/v1/reports/summary?at=${at}`, { key: keys.dpo });
  for (const [topic, figures] of Object.entries(body)) {
    if (figures !== null) say(`${topic}: ${JSON.stringify(figures).replace(/[{}"]/g, '').replaceAll(',', ', ')}`);
  }
  const digest = `sha-256=:${createHash('sha256').update(answer.text).digest('base64')}:`;
  const stated = answer.headers.get('repr-digest');
  return stated && stated !== digest ? ['the report does not have the digest it states'] : [];
}
