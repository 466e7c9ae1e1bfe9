/**
 * Writes docs/events.md, docs/asyncapi.yaml with docs/schemas, docs/problems.md and docs/configuration.md from the compiled
 * libs: `npm run docs`. A test says when they do not fit.
 * What callers should do about a problem is written by people, in its last column, and kept.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAsyncapi } from './asyncapi.mjs';
import { configurationDocument } from './configuration.mjs';

const root = join(import.meta.dirname, '..');
const statuses = {
  invalid: 422,
  unauthenticated: 401,
  forbidden: 403,
  missing: 404,
  conflict: 409,
  precondition: 412,
  exhausted: 429,
  unavailable: 503,
};
const urn = 'urn:lethe:problem:';

/** Every problem there is: [code, status, title], from what the libs' stream and refusal files export. */
export function problemsIn(modules, httpProblems) {
  const refusals = modules.flatMap(({ refusals: list = {} }) => Object.values(list).map((refuse) => refuse()));
  return [
    ...Object.entries(httpProblems).map(([status, { code, title }]) => [code, Number(status), title]),
    ...refusals.map(({ code, kind, message }) => [code, statuses[kind], message]),
  ].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The document, with the advice that `before` has; '' where nobody has written any. */
export function problemsDocument(problems, before) {
  const advice = new Map(
    before
      .split('\n')
      .filter((line) => line.startsWith(`| \`${urn}`))
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map((cells) => [cells[1].slice(1 + urn.length, -1), cells.at(-2)]),
  );
  const rows = problems.map(
    ([code, status, title]) => `| \`${urn}${code}\` | ${status} | ${title} | ${advice.get(code) ?? ''} |`,
  );
  return `# Problems

Errors leave as problem details (RFC 9457): \`type\`, \`title\`, \`status\`, \`instance\`, and members that a type adds, such as
\`errors: [{path, code}]\`, \`reason\` or \`alternatives\`. A type is a promise to callers; another status than these is
\`about:blank\`. The first three columns are generated: \`npm run docs\`.

| type | status | title | what to do |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

/** Every kind of fact there is, by lib and stream. `streams` are [lib, stream] pairs. */
export function eventsDocument(streams, schemaOf) {
  const rows = streams.flatMap(([lib, { name, events }]) =>
    events.map(({ type, version, data }) => {
      const { properties = {}, required = [] } = schemaOf(data);
      const fields = Object.keys(properties).map((field) => (required.includes(field) ? field : `${field}?`));
      return [type, `| \`${type}\` | ${version} | \`${name}\` | ${lib} | ${fields.join(', ')} |`];
    }),
  );
  return `# Events

Every fact, as it is stored and published. A stream is named \`<stream>-<id>\`; all of a tenant stand in one order, its
\`sequence\`. A field called \`sealed…\` is encrypted under the subject's own key, and noise once that is destroyed.
\`libs/<lib>/src/events\` holds a frozen sample of each version. Generated: \`npm run docs\`.

| type | version | stream | lib | data |
| --- | --- | --- | --- | --- |
${rows
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([, row]) => row)
  .join('\n')}
`;
}

/** The streams that stream files export, as [lib, stream] pairs. */
export const streamsIn = (files, modules) =>
  files.flatMap((file, n) =>
    Object.values(modules[n])
      .filter((value) => Array.isArray(value?.events) && typeof value.evolve === 'function')
      .map((stream) => [/libs\/([^/]+)\//.exec(file)[1], stream]),
  );

async function writeConfiguration() {
  const { aboutOf, ...told } = await import(join(root, 'dist/apps/api/src/environment.js'));
  const { clusterVariables: cluster } = await import(join(root, 'dist/libs/adapters-cluster/src/index.js'));
  const { serverVariables: server, answeringVariables: answering } = told;
  const { clusterProcessVariables: own, workerProcessVariables: worker } = told;
  const sections = { server, answering, process: own, worker, embedded: told.EmbeddedEnvironment.shape, cluster };
  writeFileSync(join(root, 'docs/configuration.md'), configurationDocument(sections, aboutOf));
}

if (import.meta.filename === process.argv[1]) {
  const { z } = await import('zod');
  const load = (pattern) => globSync(pattern, { cwd: root }).sort();
  const modulesOf = (files) => Promise.all(files.map((file) => import(join(root, file))));
  const { httpProblems } = await import(join(root, 'dist/libs/http/src/index.js'));
  const all = await modulesOf(load('dist/libs/*/src/{*.stream,refusals}.js'));
  const problems = join(root, 'docs/problems.md');
  writeFileSync(problems, problemsDocument(problemsIn(all, httpProblems), readFileSync(problems, 'utf8')));
  const files = load('dist/libs/*/src/*.stream.js');
  const streams = streamsIn(files, await modulesOf(files));
  writeFileSync(join(root, 'docs/events.md'), eventsDocument(streams, z.toJSONSchema));
  writeAsyncapi(streams, z.toJSONSchema);
  await writeConfiguration();
}
