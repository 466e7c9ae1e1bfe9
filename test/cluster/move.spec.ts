import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { KeyService } from '#lib/ports';
import { handOverContract } from '#lib/ports/contracts';
import { TestApi } from '../support/api.js';
import { cluster } from '../support/cluster-family.js';
import { embedded } from '../support/embedded-family.js';
import type { Family } from '../support/family-of-adapters.js';
import { goneOn, MovingHospital } from '../support/moved.js';

const families = [
  ['embedded', 'cluster', embedded, cluster],
  ['cluster', 'embedded', cluster, embedded],
] as const;

/** The key service of a family, over a folder of its own. */
const keysOf = (family: Family) => async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-keys-'));
  const contexts: { close(): Promise<void> }[] = [];
  const close = async () => {
    for (const context of contexts.splice(0)) await context.close();
  };
  const reopen = async () => {
    // The embedded family is held by one process at a time.
    if (family.name === 'embedded') await close();
    const context = await NestFactory.createApplicationContext(await family.openFolder(folder), { logger: false });
    contexts.push(context);
    return context.get(KeyService);
  };
  const remove = async () => {
    await close();
    await family.remove(folder);
  };
  return { keys: await reopen(), reopen, close: remove };
};

describe.each(families)('from %s to %s', (_from, _to, source, target) => {
  handOverContract(keysOf(source), keysOf(target));

  describe('a hospital', () => {
    const opened: TestApi[] = [];
    const start = async (family: Family) => {
      const api = await TestApi.start({}, undefined, family);
      opened.push(api);
      return api;
    };
    afterAll(async () => {
      for (const api of opened) await api.close();
    });

    it('moves, is told the same there, and goes on as if nothing had been', async () => {
      const [from, to] = [await start(source), await start(target)];
      const hospital = await MovingHospital.found(from);
      const { exported, imported } = await hospital.move(from, to);
      expect(imported).toMatchObject({ head: exported.head, history: exported.history, appended: exported.head });
      expect(await hospital.log(to)).toEqual(await hospital.log(from));
      expect(await hospital.told(to, exported.head)).toEqual(await hospital.told(from, exported.head));
      expect(await hospital.illnesses(to)).toEqual([]);
      expect(await hospital.goOn(to)).toEqual(goneOn);
      expect(await hospital.illnesses(to)).toEqual([]);
    }, 120_000);
  });
});
