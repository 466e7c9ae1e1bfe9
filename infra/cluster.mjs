/**
 * Runs the cluster family on this machine, for trying out and for tests: `npm run cluster -- --api 2 --worker 2`.
 *
 * Starts infra/services, but for servers that the environment names, makes the root key in a local KMS, starts the
 * processes and shows their output, each line with the name of its process. What is told to processes is told here:
 * docs/configuration.md. HOST and PORT are those of the first api; the other apis, then the workers, take the ports that
 * follow. Under DATA_FOLDER (var/cluster) lie `admin.key`, the servers' data, `cluster.json` (pids and addresses) and
 * `env` (how to reach the servers). A process that ends is not started again. SIGTERM or SIGINT ends all of it; the exit
 * code is 1 where a process ended by itself.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs, parseEnv } from 'node:util';
import { makeRootKey } from './root-key.mjs';

const root = join(import.meta.dirname, '..');
const services = join(import.meta.dirname, 'services');
const processesMax = 16;
const endMaxMs = 10_000;

const count = (text, least) => {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= processesMax) return number;
  console.error(`cluster: ${text} is no number of processes from ${least} to ${processesMax}`);
  process.exit(2);
};
const { values } = parseArgs({
  options: { api: { type: 'string', default: '2' }, worker: { type: 'string', default: '2' } },
});
const counts = { api: count(values.api, 1), worker: count(values.worker, 0) };
const folder = resolve(process.env.DATA_FOLDER || join(root, 'var/cluster'));
const servicesFolder = join(folder, 'services');
const processes = [];
let started = [];
let isEnding = false;
let someoneDied = false;

/** Servers that the environment does not name are started. */
function startServers() {
  const named = { mongo: 'MONGODB_URI', kafka: 'KAFKA_BROKERS', redis: 'REDIS_URL', kms: 'KMS_ENDPOINT' };
  started = Object.keys(named).filter((name) => !process.env[named[name]]);
  if (started.length === 0) return {};
  const up = spawnSync('bash', [join(services, 'up'), '--dir', servicesFolder, ...started], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (up.status !== 0) throw new Error('a server did not start');
  return parseEnv(readFileSync(join(servicesFolder, 'env'), 'utf8'));
}

function begin(kind, number, port, environment) {
  const name = `${kind}-${number}`;
  const flags = ['--enable-source-maps', '--disable-warning=TimeoutNegativeWarning'];
  const child = spawn(process.execPath, [...flags, join(root, `dist/apps/${kind}/src/main.cluster.js`)], {
    env: { KAFKAJS_NO_PARTITIONER_WARNING: '1', NODE_ID: name, ...environment, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C is for this process, which ends the others in order.
    detached: true,
  });
  const one = { name, kind, pid: child.pid, url: undefined, ended: undefined, child };
  processes.push(one);
  const listening = new Promise((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      console.log(`${name} | ${line}`);
      one.url ??= /^(http:\S+)\/(?:docs|readyz)$/.exec(line)?.[1];
      if (one.url) resolve(true);
    });
    createInterface(child.stderr).on('line', (line) => console.error(`${name} | ${line}`));
    child.on('exit', (code, signal) => {
      one.ended = signal ?? code;
      resolve(false);
      if (isEnding) return;
      someoneDied = true;
      console.error(`${name} | ended by itself: ${one.ended}`);
      tell();
      if (processes.every(({ ended }) => ended !== undefined)) void end();
    });
  });
  return listening;
}

/** What tests and people find the processes by. */
function tell() {
  const state = {
    pid: process.pid,
    adminKeyFile: join(folder, 'admin.key'),
    services: started.length > 0 ? servicesFolder : null,
    processes: processes.map(({ child: _, ...one }) => one),
  };
  const file = join(folder, 'cluster.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(state, undefined, 2)}\n`);
  renameSync(`${file}.new`, file);
}

async function end() {
  if (isEnding) return;
  isEnding = true;
  const living = processes.filter(({ ended }) => ended === undefined);
  const gone = Promise.all(living.map(({ child }) => once(child, 'exit')));
  for (const { child } of living) child.kill('SIGTERM');
  const late = setTimeout(() => {
    for (const { child, ended } of living) if (ended === undefined) child.kill('SIGKILL');
  }, endMaxMs);
  await gone;
  clearTimeout(late);
  if (started.length > 0) {
    spawnSync('bash', [join(services, 'down'), '--dir', servicesFolder, ...started], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  tell();
  process.exit(someoneDied ? 1 : 0);
}

async function main() {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void end());
  const environment = { ...startServers(), ...process.env, DATA_FOLDER: folder };
  const { hostname = '' } = environment.KMS_ENDPOINT ? new URL(environment.KMS_ENDPOINT) : {};
  if (['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) await makeRootKey(environment);
  const known = [
    'MONGODB_URI',
    'KAFKA_BROKERS',
    'REDIS_URL',
    'KMS_ENDPOINT',
    'AWS_REGION',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
  ];
  const lines = known.filter((name) => environment[name]).map((name) => `${name}='${environment[name]}'\n`);
  writeFileSync(join(folder, 'env'), lines.join(''), { mode: 0o600 });

  if (isEnding) return;
  const first = Number(environment.PORT || 3000);
  const portOf = (n) => (first === 0 ? 0 : first + n);
  const listening = [];
  for (const kind of ['api', 'worker']) {
    for (let n = 1; n <= counts[kind]; n++) listening.push(begin(kind, n, portOf(listening.length), environment));
  }
  if (!(await Promise.all(listening)).every(Boolean)) throw new Error('not every process began');
  tell();
  console.log(`admin key: ${join(folder, 'admin.key')}`);
  for (const { name, kind, url } of processes) console.log(`${name}: ${url}${kind === 'api' ? '/docs' : '/readyz'}`);
  console.log(`the cluster is ready: ${join(folder, 'cluster.json')}`);
}

await main().catch(async (error) => {
  if (isEnding) return;
  console.error(`cluster: ${error.message}`);
  someoneDied = true;
  await end();
});
