import mongoose from 'mongoose';
import { inFolder } from '../folder.js';
import { load } from '../load.js';
import { senderTo, timeCalls } from '../round-trips.js';
import { BenchServer } from '../server.js';
import { spread, spreadAs, type Trial } from '../trial.js';
import { verifyRequests } from '../verify-requests.js';
import { Ward } from '../ward.js';
import { inCluster } from './servers.js';

/** Few: what one request costs is asked, not how many are too many for a machine that holds the servers as well. */
const connections = 8;
const apiCounts = [1, 2, 4];
const hospitalCounts = [1, 8];

/** 1:1 verification by an api of the cluster, one after the other, beside what it cannot do without and the embedded one. */
export const clusterVerifyTrial: Trial = {
  name: '1:1 verify on the cluster',
  smoke: { seconds: 1, rounds: 1, count: 10 },
  real: { seconds: 5, rounds: 5, count: 500 },
  run: ({ seconds, rounds, count }) =>
    inCluster((site) =>
      inFolder(async (folder) => {
        const servers = [
          await BenchServer.ours(folder),
          await BenchServer.api(site.folder, site.env),
          await BenchServer.worker(site.folder, site.env),
        ] as const;
        const mongo = await mongoose.createConnection(process.env.MONGODB_URI ?? '').asPromise();
        try {
          const [embedded, api] = servers;
          const commits = mongo.useDb(String(site.env.MONGODB_DATABASE)).collection('commits');
          const tell = [await verifierOf(embedded, folder, count), await verifierOf(api, site.folder, count)] as const;
          const known = await commits.findOne({});
          const took = { findOne: [] as number[], embedded: [] as number[], cluster: [] as number[] };
          for (let round = 0; round < rounds; round++) {
            const place = { tenant: known?.tenant, first: known?.first };
            took.findOne.push((await timeCalls(seconds, () => commits.findOne(place))).p50Ms);
            took.embedded.push((await timeCalls(seconds, tell[0])).p50Ms);
            took.cluster.push((await timeCalls(seconds, tell[1])).p50Ms);
          }
          const allowed = took.findOne.map((each, n) => 3 * each + (took.embedded[n] ?? 0));
          return [
            { name: 'bare findOne', ...spreadAs('p50Ms', took.findOne) },
            { name: '1:1 verify, embedded', connections: 1, ...spreadAs('p50Ms', took.embedded) },
            {
              name: '1:1 verify, cluster',
              connections: 1,
              ...spreadAs('p50Ms', took.cluster),
              ...spreadAs(
                'ofThreeFindOneAndEmbedded',
                took.cluster.map((each, n) => each / (allowed[n] ?? 0)),
              ),
            },
          ];
        } finally {
          await Promise.all(servers.map((server) => server.end()));
          await mongo.close();
        }
      }),
    ),
};

/** What an api uses of a processor for one verification, however many apis there are: of one hospital, and of several. */
export const apisTrial: Trial = {
  name: 'apis side by side',
  smoke: { seconds: 1, rounds: 1, count: 8 },
  real: { seconds: 5, rounds: 3, count: 400 },
  run: ({ seconds, rounds, count }) =>
    inCluster(async (site) => {
      const apis = [await BenchServer.api(site.folder, site.env)];
      const worker = await BenchServer.worker(site.folder, site.env);
      try {
        for (const more of apiCounts.slice(1)) {
          while (apis.length < more) apis.push(await BenchServer.api(site.folder, site.env));
        }
        const figures = [];
        for (const hospitals of hospitalCounts) {
          const requests = await requestsOf(apis[0]?.url ?? '', site.folder, hospitals, count);
          // A process that has done little yet runs slow code: that is no matter of how many there are.
          for (const api of apis) await loadAll([api], requests, 2 * seconds);
          const taken = apiCounts.map((number) => ({ number, cpuMs: [] as number[], perSecond: [] as number[] }));
          for (let round = 0; round < rounds; round++) {
            for (const { number, cpuMs, perSecond } of taken) {
              const loaded = await loadAll(apis.slice(0, number), requests, seconds);
              cpuMs.push(loaded.cpuMs);
              perSecond.push(loaded.perSecond);
            }
          }
          const alone = spread(taken[0]?.cpuMs ?? []).median;
          for (const { number, cpuMs, perSecond } of taken) {
            figures.push({
              name: '1:1 verify over several apis',
              hospitals,
              apis: number,
              ...spreadAs('perSecond', perSecond),
              ...spreadAs('cpuMsPerRequest', cpuMs),
              ofOneApi: Number((spread(cpuMs).median / alone).toFixed(3)),
            });
          }
        }
        return figures;
      } finally {
        await Promise.all([...apis, worker].map((server) => server.end()));
      }
    }),
};

/** Of the patients of so many hospitals in turn. */
async function requestsOf(url: string, folder: string, hospitals: number, count: number) {
  const all: ReturnType<typeof verifyRequests>[] = [];
  for (let n = 0; n < hospitals; n++) {
    const ward = await Ward.open(url, folder);
    all.push(verifyRequests(await ward.admit(count / hospitals), ward.keys.backend));
  }
  return all[0]?.flatMap((_, n) => all.flatMap((requests) => requests[n] ?? [])) ?? [];
}

async function verifierOf(server: BenchServer, folder: string, count: number) {
  const ward = await Ward.open(server.url, folder);
  const requests = verifyRequests(await ward.admit(count), ward.keys.backend);
  const send = senderTo(server.url);
  return (n: number) => send(requests[n % requests.length] ?? {});
}

async function loadAll(
  apis: readonly BenchServer[],
  requests: Parameters<typeof load>[0]['requests'],
  seconds: number,
) {
  const before = apis.map((api) => api.cpuMs());
  const loads = Array.from({ length: connections }, (_, n) => {
    // Each begins somewhere else: nobody stands at several counters at once.
    const at = Math.floor((n * requests.length) / connections);
    const { url = '' } = apis[n % apis.length] ?? {};
    return load({ url, connections: 1, seconds, requests: [...requests.slice(at), ...requests.slice(0, at)] });
  });
  const loaded = await Promise.all(loads);
  const count = loaded.reduce((sum, each) => sum + each.count, 0);
  const cpuMs = apis.reduce((sum, api, n) => sum + api.cpuMs() - (before[n] ?? 0), 0);
  return { cpuMs: cpuMs / count, perSecond: count / seconds };
}
