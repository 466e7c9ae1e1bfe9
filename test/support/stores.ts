import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { TenantId } from '#lib/core';
import { type KeyEntry, KeyTable, type StoredDocument, Vault } from '#lib/ports';
import { family } from './family.js';

const every = { from: '', below: '~', limit: 1_000 };
const generationsMax = 1_000_000_000;

/** The stores of a folder, past every application, for as long as `act` takes. No process may hold it meanwhile. */
export async function withStores<T>(folder: string, act: (stores: INestApplicationContext) => Promise<T>): Promise<T> {
  const stores = await NestFactory.createApplicationContext(await family.openFolder(folder), { logger: false });
  try {
    return await act(stores);
  } finally {
    await stores.close();
  }
}

/** What lies in the vault of a folder, up to 1,000 records of it. */
export const recordsOf = (folder: string, tenant: TenantId): Promise<readonly StoredDocument[]> =>
  withStores(folder, (stores) => stores.get(Vault).range(tenant, 'templates', every));

/** What lies in its key table, up to 1,000 entries of it. */
export const entriesOf = (folder: string, tenant: TenantId): Promise<readonly KeyEntry[]> =>
  withStores(folder, (stores) => stores.get(KeyTable).below(tenant, generationsMax, '', every.limit));
