import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DynamicModule, ValueProvider } from '@nestjs/common';
import { FirstKey } from '#lib/access';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { type Commit, EventStore } from '#lib/ports';
import { createApi, listen } from '../../apps/api/src/api.js';

// The product, but for one thing: decisions are answered without being stored. For benches only, to see what storing costs.
const { DATA_FOLDER: folder = '' } = process.env;

function unrecorded(store: EventStore): EventStore {
  let sequence = 1_000_000_000;
  const append = (commit: Commit) =>
    commit.stream.startsWith('match-') ? Promise.resolve(++sequence) : store.append(commit);
  return Object.create(store, { append: { value: append } });
}

const adapters = EmbeddedAdapters.inFolder({ folder });
const over: DynamicModule = {
  ...adapters,
  providers: (adapters.providers ?? []).map((provider) => {
    const { provide, useValue } = provider as ValueProvider<EventStore>;
    return provide === EventStore ? { provide, useValue: unrecorded(useValue) } : provider;
  }),
};
const api = await createApi(over);
await api.init();
await api.get(FirstKey).issue((key) => {
  writeFileSync(join(folder, 'admin.key'), key, { mode: 0o600 });
  return key;
});
console.log(await listen(api, 0, '127.0.0.1'));
