/**
 * A guided run on real faces, against a server of its own: `npm run demo`.
 *
 *   --keep          leaves the server's data where it is, and says where
 *   --report FILE   where the lifecycle report goes; `var/demo/lethe-demo-report.csv` otherwise
 *
 * Nothing is arranged to succeed: counts are reported as they come, and the exit code is 1 when a promise did not hold.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Client, inLanes } from './client.mjs';
import { openFaces } from './faces.mjs';
import { openHospital } from './hospital.mjs';
import { Patient } from './patient.mjs';
import { everyone } from './people.mjs';
import { writeReport } from './report.mjs';
import { startServer } from './server.mjs';
import { chapter, progress, say } from './table.mjs';
import { showOutcome, takeProbes, verifyAll } from './trial.mjs';
import { withdrawAndWatch } from './withdrawal.mjs';

const { values: settings } = parseArgs({
  options: {
    keep: { type: 'boolean', default: false },
    report: { type: 'string', default: join(import.meta.dirname, '../../var/demo/lethe-demo-report.csv') },
  },
});

/** Enrols everyone; answers the patients by person. */
async function enrolAll(client, hospital, people) {
  const show = progress('enrolments');
  let done = 0;
  const patients = await inLanes(people, 4, async (person) => {
    const patient = new Patient(client, hospital, person.name);
    await patient.enrol(person.descriptor);
    show(++done, people.length);
    return [person, patient];
  });
  return new Map(patients);
}

/** The story. Answers what did not hold that must, in words. */
async function tell({ url, adminKey }) {
  chapter('1. Faces: the sample photographs of @vladmandic/face-api, embedded here by its model');
  const find = await openFaces();
  const people = await everyone(find, progress('photographs'));
  const probes = await takeProbes(find, people);

  chapter('2. A hospital: keys, notice, threshold card, purpose, assessment, checkpoint');
  const client = new Client(url);
  const hospital = await openHospital(client, adminKey);
  const { accept, review, fmr, interval, dataset } = hospital.card;
  say(`accepts from a cosine of ${accept}, inconclusive from ${review}`);
  say(`false match rate ${fmr}, 95 % interval ${interval.low} to ${interval.high}, by this data:`);
  for (const sentence of dataset.split(/(?<=\.) /)) say(`  ${sentence}`);

  chapter('3. Everyone consents, is enrolled, and is verified against altered copies of all faces');
  const patients = await enrolAll(client, hospital, people);
  const outcomes = await verifyAll(patients, probes);

  chapter('4. One patient withdraws');
  const accepted = outcomes.find(({ isOwn, decision }) => isOwn && decision === 'accept');
  const broken = accepted
    ? await withdrawAndWatch(patients.get(accepted.probe.owner), accepted.probe)
    : ['nobody was accepted, so nobody could be refused'];

  chapter('5. The report');
  broken.push(...(await writeReport(client, hospital, resolve(settings.report))));

  chapter('6. What came of it');
  showOutcome(probes, outcomes);
  return broken;
}

async function demo() {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-demo-'));
  let server;
  let isStopped = false;
  const leave = async () => {
    await server?.end();
    // In one go: while the model computes, every await costs half a second.
    if (!settings.keep) rmSync(folder, { recursive: true, force: true });
    else say(`the server's data is kept in ${folder}`);
  };
  for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143 })) {
    process.once(signal, () => {
      isStopped = true;
      leave().then(
        () => process.exit(code),
        () => process.exit(1),
      );
    });
  }
  try {
    server = await startServer(join(folder, 'data'));
    const broken = await tell(server);
    for (const what of broken) console.error(`\nBroken: ${what}`);
    if (broken.length > 0) process.exitCode = 1;
  } catch (error) {
    // Requests to a server that was stopped fail, and that is no news.
    if (!isStopped) throw error;
  } finally {
    if (!isStopped) await leave();
  }
}

await demo();
