/** Writes docs/configuration.md from the settings themselves: `npm run docs`. A test says when it does not fit. */

/** A row for each setting. `aboutOf` says what one is, from its schema. */
export function configurationDocument({ server, answering, process: own, worker, embedded, cluster }, aboutOf) {
  const shared = Object.keys({ ...server, ...answering });
  const only = (variables, others) => Object.entries(variables).filter(([name]) => !others.includes(name));
  return `# Configuration

By environment, read once, at the start. Whatever is wrong is said then, all at once, and never with its value; a variable
that is empty counts as one that is not there, unless it names a place of data. One marked † may lie in a file instead,
which \`<name>_FILE\` names: what a process is told is easily seen on its machine. Generated: \`npm run docs\`.

## Every server

${table(Object.entries(server), aboutOf)}

## Every server that answers callers: all but workers

${table(Object.entries(answering), aboutOf)}

## The embedded family: \`npm start\`

${table(only(embedded, shared), aboutOf)}

## The cluster family: each api and each worker

${table(only(own, shared), aboutOf)}
${rows(Object.entries(cluster), aboutOf)}

A worker's \`PORT\` is ${defaultOf(worker.PORT)} where it is not told: there it shows \`/healthz\`, \`/readyz\` and \`/metrics\`, and nothing
else. All processes of a cluster have to be told the same servers, databases, topic, group, prefix and root key.

## The command line

The same as the server of its family, \`DATA_FOLDER\` first of all, and:

| variable | default | what it is |
| --- | --- | --- |
| \`LETHE_KEY\` | | A hospital's key, for what needs a role; without it one is issued for the moment and revoked, as the log shows. |
| \`LETHE_URL\` | | Of \`npm run lethe:cluster\`: the api that calls go through. Without it the command opens the servers itself. |

## \`npm run cluster\`

Passes on what it is told. \`HOST\` and \`PORT\` are those of the first api, the other apis and then the workers take the ports that
follow; 0 lets each take a free one. It starts the servers for which none of \`MONGODB_URI\`, \`KAFKA_BROKERS\`, \`REDIS_URL\` and
\`KMS_ENDPOINT\` stands in the environment.
`;
}

const table = (settings, aboutOf) => `| variable | default | what it is |
| --- | --- | --- |
${rows(settings, aboutOf)}`;

const rows = (settings, aboutOf) =>
  settings
    .map(([name, setting]) => {
      const { description = '', secret } = aboutOf(setting);
      const told = defaultOf(setting);
      const shown = isNeeded(setting) ? '**needed**' : told === undefined ? '' : `\`${told}\``;
      return `| \`${name}\`${secret ? ' †' : ''} | ${shown} | ${description} |`;
    })
    .join('\n');

const isNeeded = (setting) => !setting.safeParse(undefined).success;

/** As it would be written in the environment. */
const defaultOf = (setting) => {
  const { success, data } = setting.safeParse(undefined);
  return success && data !== undefined ? String(data) : undefined;
};
