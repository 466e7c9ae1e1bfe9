import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemRandom } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import { keyServiceContract } from '#lib/ports/contracts';
import { SealedFileKeyService } from './sealed-file-key-service.adapter.js';
import { SealedKeys } from './sealed-keys.js';
import { makeKey, makeTenantKeys, noKeys } from './tenant-keys.js';

const openIn = (folder: string, holdsData = false) =>
  new SealedFileKeyService(
    { file: join(folder, 'keys.sealed'), rootKeyFile: join(folder, 'root.key'), holdsData },
    new SystemRandom(),
  );

keyServiceContract(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealed-'));
  const keys = openIn(folder);
  return { keys, reopen: async () => openIn(folder, true), close: async () => rmSync(folder, { recursive: true }) };
});

describe('SealedFileKeyService', () => {
  const tenant = TenantId.parse('here');
  let folder: string;
  let file: string;
  let root: string;
  let keys: SealedFileKeyService;
  const refusal = (holdsData = true) => {
    try {
      return openIn(folder, holdsData);
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`;
    }
  };
  const change = (path: string, edit: (bytes: Buffer) => Buffer) => writeFileSync(path, edit(readFileSync(path)));

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sealed-'));
    file = join(folder, 'keys.sealed');
    root = join(folder, 'root.key');
    keys = openIn(folder);
    await keys.provision(tenant);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes both files at the first start, for their owner only, and nothing beside them', () => {
    expect(readdirSync(folder).sort()).toEqual(['keys.sealed', 'root.key']);
    for (const each of [file, root]) expect(statSync(each).mode & 0o777).toBe(0o600);
    expect(readFileSync(root, 'latin1')).toMatch(/^lethe-root-1 [0-9a-f]{64} [0-9a-f]{8}\n$/);
  });

  it('shows neither keys nor tenants in the sealed file', async () => {
    const before = readFileSync(file);
    await keys.openGeneration(tenant);
    const after = readFileSync(file);
    expect(after.includes('here')).toBe(false);
    expect(after.subarray(15, 47).equals(before.subarray(15, 47))).toBe(false);
  });

  it('gives every tenant its own keys back, whatever their names, also those that are awaited', async () => {
    const names = ['zebra', '42', 'ant', '7'].map((name) => TenantId.parse(name));
    const awaited = ['late', '9', '8'].map((name) => TenantId.parse(name));
    for (const name of names) await keys.provision(name);
    for (const name of awaited) await keys.receive(name);
    const shown = async (by: SealedFileKeyService) => ({
      kids: await Promise.all(names.map(async (name) => (await by.publicKeys(name))[0]?.kid)),
      publicKeys: await Promise.all(awaited.map(async (name) => Buffer.from(await by.receive(name)).toString('hex'))),
    });
    const before = await shown(keys);
    expect(new Set([...before.kids, ...before.publicKeys]).size).toBe(7);
    expect(await shown(openIn(folder, true))).toEqual(before);
  });

  it('takes a root key that was put there before the first start', async () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'root.key'), readFileSync(root), { mode: 0o600 });
    await openIn(other).provision(tenant);
    writeFileSync(file, readFileSync(join(other, 'keys.sealed')));
    expect(await openIn(folder, true).generations(tenant)).toEqual([1]);
  });

  describe('never makes keys anew, but says what to do', () => {
    it('when the root key is missing', () => {
      rmSync(root);
      expect(refusal()).toContain(
        `KeysUnavailable: ${root} is missing, but keys are sealed under it: put the root key back`,
      );
      expect(refusal(false)).toContain(`${root} is missing`);
      expect(existsSync(root)).toBe(false);
    });

    it('when the sealed file is missing beside data', () => {
      rmSync(file);
      expect(refusal()).toContain(`${file} is missing, but there are data that it opens: put a copy of it back`);
      expect(existsSync(file)).toBe(false);
    });

    it('when both are missing beside data', () => {
      for (const each of [file, root]) rmSync(each);
      expect(refusal()).toContain('root.key is missing');
      expect(readdirSync(folder)).toEqual([]);
    });

    it('when the root key is another one', () => {
      const other = join(folder, 'other');
      mkdirSync(other);
      openIn(other);
      writeFileSync(root, readFileSync(join(other, 'root.key')));
      expect(refusal()).toContain(`${file} does not open under the root key (authentic): put back the root key`);
    });

    it.each([
      [
        'a digit changed',
        (bytes: Buffer) => Buffer.from(bytes.toString().replace(/1 ./, (found) => `1 ${found[2] === '0' ? '1' : '0'}`)),
      ],
      ['half of it gone', (bytes: Buffer) => bytes.subarray(0, 40)],
      ['nothing in it', () => Buffer.of()],
      ['a line more', (bytes: Buffer) => Buffer.concat([bytes, bytes])],
    ])('when the root key has %s', (_, edit) => {
      change(root, edit);
      expect(refusal()).toContain(`${root} is damaged: put a copy of the root key back`);
    });

    it.each([
      ['a bit changed', (bytes: Buffer) => Buffer.from(bytes.map((byte, n) => (n === 60 ? byte ^ 1 : byte)))],
      ['half of it gone', (bytes: Buffer) => bytes.subarray(0, 100)],
      ['nothing in it', () => Buffer.of()],
      ['zeros in it', (bytes: Buffer) => Buffer.alloc(bytes.length)],
    ])('when the sealed file has %s', (_, edit) => {
      change(file, edit);
      expect(refusal()).toContain(`${file} does not open`);
    });

    it.each(['root.key', 'keys.sealed'])('when others may read %s', (name) => {
      chmodSync(join(folder, name), 0o640);
      expect(refusal()).toContain(`${join(folder, name)} is open to others than its owner`);
    });
  });

  it('says when the files were lost or changed while it runs', async () => {
    await keys.check();
    const [sealed, rootKey] = [readFileSync(file), readFileSync(root)];
    rmSync(file);
    await expect(keys.check()).rejects.toMatchObject({ message: expect.stringContaining('cannot be read') });
    writeFileSync(file, sealed.subarray(1), { mode: 0o600 });
    await expect(keys.check()).rejects.toMatchObject({ message: expect.stringContaining('does not open') });
    writeFileSync(file, sealed);
    rmSync(root);
    await expect(keys.check()).rejects.toMatchObject({ message: expect.stringContaining('is missing') });
    writeFileSync(root, rootKey, { mode: 0o600 });
    await keys.check();
  });

  it('keeps what it had when the file cannot be written, and goes on when it can', async () => {
    const before = readFileSync(file);
    mkdirSync(`${file}.new`);
    await expect(keys.openGeneration(tenant)).rejects.toMatchObject({
      name: 'KeysUnavailable',
      message: `${file} cannot be written: see to the disk and the permissions`,
    });
    expect(await keys.generations(tenant)).toEqual([1]);
    expect(readFileSync(file)).toEqual(before);
    rmSync(`${file}.new`, { recursive: true });
    expect(await keys.openGeneration(tenant)).toBe(2);
  });

  it('says when there are more keys than the file holds, and keeps those it has', async () => {
    const only = makeTenantKeys(new SystemRandom());
    const all = { ...noKeys, tenants: new Map([[tenant as string, only]]) };
    const sealed = new SealedKeys(join(folder, 'full.sealed'), makeKey(new SystemRandom()), new SystemRandom());
    sealed.makeFirst();
    await sealed.replace(all);
    const tenants = new Map(Array.from({ length: 8_000 }, (_, n) => [`tenant-${n}`, only]));
    await expect(sealed.replace({ ...noKeys, tenants })).rejects.toMatchObject({
      name: 'KeysUnavailable',
      message: expect.stringContaining('full.sealed is full'),
    });
    expect([...sealed.read().tenants.keys()]).toEqual(['here']);
  });

  describe('overwrites what it replaces', () => {
    /** A second name of the file, so that its blocks can be read after it was replaced. */
    const hold = (path: string) => {
      const held = join(folder, 'held');
      linkSync(path, held);
      return () => readFileSync(held);
    };

    it('where it lay', async () => {
      const replaced = hold(file);
      const { size } = statSync(file);
      await keys.openGeneration(tenant);
      expect(replaced()).toEqual(Buffer.alloc(size));
      expect(readdirSync(folder).sort()).toEqual(['held', 'keys.sealed', 'root.key']);
    });

    it.each(['new', 'old'])('also where a crash left it, as .%s', async (ending) => {
      writeFileSync(`${file}.${ending}`, readFileSync(file), { mode: 0o600 });
      const left = hold(`${file}.${ending}`);
      openIn(folder, true);
      expect(left()).toEqual(Buffer.alloc(statSync(file).size));
      expect(existsSync(`${file}.${ending}`)).toBe(false);
    });

    it('but not the file itself, where a crash came before it was replaced', async () => {
      linkSync(file, `${file}.old`);
      expect(await openIn(folder, true).generations(tenant)).toEqual([1]);
      expect(existsSync(`${file}.old`)).toBe(false);
      expect(await openIn(folder, true).generations(tenant)).toEqual([1]);
    });
  });

  it('never touches the disk to unwrap', async () => {
    const entry = await keys.wrap(tenant, 'key', new Uint8Array(32));
    rmSync(folder, { recursive: true });
    expect(await keys.unwrap(tenant, entry)).toBeDefined();
    mkdirSync(folder);
  });
});
