/**
 * The promises, and the specs that show each: what docs/guarantees.md is made of, together with the results of both runs.
 * Where a spec lies says over which family it runs: test/embedded over that one, test/cluster and libs/adapters-cluster
 * over the other, everything else in test/ over both. The other libs know no family: they count for both.
 */

/**
 * @typedef {object} Guarantee
 * @property {string} promise
 * @property {readonly string[]} specs
 * @property {string} [note] What to know of it where it holds.
 * @property {string} [lacks] What of it is not kept yet: it then holds in part, or with `isToCome` not at all.
 * @property {boolean} [isToCome]
 */

/** @type {Readonly<Record<string, Guarantee>>} */
export const guarantees = {
  P1: {
    promise:
      '**No consent, no processing.** Enrol and match succeed only while a valid, separate consent for that purpose stands, under the current material notice, with the purpose active and assessed.',
    specs: [
      'libs/consent/src/permission.spec.ts',
      'test/e2e/consent.spec.ts',
      'test/e2e/identification.spec.ts',
      'test/e2e/policy.spec.ts',
      'test/e2e/templates.spec.ts',
      'test/e2e/threshold-card.spec.ts',
      'test/sim/consent.property.spec.ts',
    ],
  },
  P2: {
    promise:
      '**Withdrawal is immediate.** After a withdrawal was answered 2xx no match that begins later accepts, and in the order of the log no accept and no enrolment stands after one.',
    specs: [
      'libs/audit/src/log-audit.spec.ts',
      'test/cluster/galleries.spec.ts',
      'test/cluster/linearizability.spec.ts',
      'test/e2e/clock-jumps.spec.ts',
      'test/sim/consent.property.spec.ts',
      'test/sim/withdrawal.spec.ts',
    ],
    note: 'On any log: `npm run lethe -- doctor`.',
  },
  P3: {
    promise: '**Face is never the only way.**',
    specs: ['test/e2e/consent.spec.ts', 'test/e2e/policy.spec.ts'],
    lacks:
      'no checkpoint without an enabled non-biometric method, no activation without such a checkpoint, every refusal names the alternatives. Health of methods, cool-down and parity are to come.',
  },
  P4: {
    promise: '**Acknowledged means durable.**',
    specs: [
      'test/cluster/chaos.spec.ts',
      'test/cluster/event-store-faults.spec.ts',
      'test/cluster/event-store-processes.spec.ts',
      'test/sim/kill.spec.ts',
    ],
    note: 'kill -9 amid 2,000 concurrent writes, many times.',
  },
  P5: {
    promise: '**Erasure is complete and probed.**',
    specs: [
      'libs/identification/src/kept-gallery.spec.ts',
      'libs/templates/src/erasure-saga.spec.ts',
      'test/cluster/canary.spec.ts',
      'test/cluster/forgotten-keys.spec.ts',
      'test/cluster/galleries.spec.ts',
      'test/e2e/subject-sweep.spec.ts',
      'test/e2e/subjects.spec.ts',
      'test/embedded/canary.spec.ts',
      'test/embedded/gallery-canary.spec.ts',
    ],
    note: 'Over key table, vault, matchers with their galleries, and views. Backups: see `stores.md`.',
  },
  P6: {
    promise: '**The record cannot be quietly rewritten.**',
    specs: [],
    isToCome: true,
    lacks: 'order is checked by the doctor, content by nobody. The transparency log is to come.',
  },
  P7: {
    promise:
      '**No template in the clear** in any store, log line, error or view; probes are zeroed; scores leave as bands.',
    specs: [
      'test/cluster/canary.spec.ts',
      'test/e2e/export.spec.ts',
      'test/embedded/canary.spec.ts',
      'test/embedded/gallery-canary.spec.ts',
    ],
    note: 'Everything stored and sent. Memory: what is left and why is in `forensics.md`.',
  },
  P8: {
    promise: '**Retention is never late silently.**',
    specs: [
      'test/cluster/lost-jobs.spec.ts',
      'test/e2e/clock-jumps.spec.ts',
      'test/e2e/retention.spec.ts',
      'test/sim/sweep.spec.ts',
    ],
    note: 'With every job dropped the sweep deletes on time; what is late is listed and measured. With 100,000 due: `npm run test:sweep`.',
  },
  P9: {
    promise: '**A retry changes nothing.**',
    specs: ['test/sim/kill.spec.ts', 'test/sim/repeats.spec.ts'],
    note: 'Every write of the API; a match asked for again under its `Idempotency-Key` is answered as it was decided then, also after a withdrawal.',
  },
  P10: {
    promise: '**Tenants do not see each other.**',
    specs: ['test/e2e/access.spec.ts', 'test/e2e/tenants.spec.ts'],
    note: 'Every route.',
  },
  P11: {
    promise: '**Every report is reproducible** at a log position.',
    specs: ['libs/reports/src/lifecycle-row.spec.ts', 'test/contract/walk.spec.ts', 'test/e2e/reports.spec.ts'],
    note: '`overdueNow` excepted, by name.',
  },
  P12: {
    promise: '**It fails to the alternative.**',
    specs: [
      'libs/matching/src/deadline.spec.ts',
      'libs/matching/src/verify-route.spec.ts',
      'test/cluster/chaos.spec.ts',
      'test/embedded/full-disk.spec.ts',
    ],
    lacks:
      'a match answers within a second, with what to do instead; but one with an `Idempotency-Key` that cannot be remembered answers 503 without saying what.',
  },
};

/** What is shown besides the promises. */
export const besides = {
  'test/contract/walk.spec.ts': 'the HTTP contract, from the first step to the last',
  'test/cluster/published-views.spec.ts':
    'views built from Kafka alone have the bytes of those built from the store alone',
  'test/cluster/relay-faults.spec.ts': 'what is published has no gap and keeps its order, whatever is killed',
  'test/e2e/move.spec.ts': 'a hospital moves, and goes on as if nothing had been',
  'test/cluster/move.spec.ts': 'it moves from one family to the other',
  'test/sim/rebuild.spec.ts': 'views built again from the log have the same bytes',
  'test/e2e/lost-views.spec.ts': 'a server whose views are lost shows and finds all as before',
  'test/e2e/routes.spec.ts': 'bad input on every route',
  'test/e2e/http.spec.ts': 'every route is closed to whom it is not for; the OpenAPI document is what is served',
  'test/e2e/start.spec.ts': 'a server that cannot start says why in a line',
  'test/e2e/readiness.spec.ts': 'readiness names what is down',
  'test/embedded/damaged-folder.spec.ts': 'broken disks, files and keys',
  'test/tour.spec.ts': 'the tour of the README is what happens',
};
