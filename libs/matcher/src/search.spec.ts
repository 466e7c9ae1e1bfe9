import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { normals } from '../../../test/support/chance.js';
import { cosine } from './cosine.js';
import { Gallery, GalleryFull } from './gallery.js';
import { kernelForms } from './kernel.js';
import { Rotation } from './rotation.js';
import { type Asked, Scanner } from './scanner.js';
import { type Hit, search } from './search.js';

/** Templates as a vault has them, beside the gallery made of them; and the slow truth about both. */
class Ward {
  readonly vault = new Map<string, Float32Array>();
  readonly gallery: Gallery;
  readonly rotation: Rotation;
  rescored = 0;

  constructor(
    dim: number,
    private readonly scanner: Scanner,
    rowsMax = 30_000,
  ) {
    this.gallery = Gallery.of({ dim, rowsMax, lanes: scanner.lanes });
    this.rotation = Rotation.of(createSecretKey(Buffer.alloc(32, 1)), { purpose: 'registration', version: 1, dim });
  }

  put(id: string, vector: Float32Array): void {
    this.vault.set(id, vector);
    this.gallery.put(id, this.rotation.rotate(vector));
  }

  forget(id: string): boolean {
    return this.vault.delete(id) && this.gallery.forget(id);
  }

  search(probe: Float32Array, asked: Asked): Promise<Hit[]> {
    return search(this.scanner, this.gallery, this.rotation.rotate(probe), asked, async (ids) => {
      this.rescored += ids.length;
      return ids.map((id) => {
        const vector = this.vault.get(id);
        return vector && cosine(vector, probe);
      });
    });
  }

  /** Compares with every template, one after the other. */
  truth(probe: Float32Array, { floor, count }: Asked): Hit[] {
    const hits = [...this.vault].map(([id, vector]) => ({ id, score: cosine(vector, probe) }));
    const wanted = hits.filter(({ score }) => score >= floor);
    wanted.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
    return count > 0 ? wanted.slice(0, count) : wanted;
  }
}

const randomOf = (dim: number, normal: () => number) => Float32Array.from({ length: dim }, () => normal());
const near = (vector: Float32Array, by: number, normal: () => number) => {
  const length = Math.hypot(...vector) / Math.sqrt(vector.length);
  return vector.map((x) => x + by * length * normal());
};
const name = (n: number) => `t${n}`;

describe.each(kernelForms)('a search with the %s kernel', (form) => {
  let scanner: Scanner;
  beforeAll(() => {
    scanner = new Scanner(2, form);
  });
  afterAll(() => scanner.close());

  it.each([64, 100, 512, 2_048])('of %s coordinates finds what comparing with each one does', async (dim) => {
    const ward = new Ward(dim, scanner);
    const normal = normals(dim);
    for (let n = 0; n < 400; n++) ward.put(name(n), randomOf(dim, normal));
    for (let n = 0; n < 30; n++) {
      const probe = near(ward.vault.get(name(n * 7)) as Float32Array, 0.2 + n / 20, normal);
      const score = ward.truth(probe, { floor: -1, count: 3 })[2]?.score as number;
      // Thresholds that lie on a score, and at its next neighbours: an interval decides none of these.
      for (const floor of [score, score + Number.EPSILON, score - Number.EPSILON, 0.3, -1]) {
        expect(await ward.search(probe, { floor, count: 0 })).toEqual(ward.truth(probe, { floor, count: 0 }));
        expect(await ward.search(probe, { floor, count: 5 })).toEqual(ward.truth(probe, { floor, count: 5 }));
      }
    }
  });

  it('is exact for vectors made to mislead it', async () => {
    const dim = 64;
    const axis = (at: number, x = 1) => Float32Array.from({ length: dim }, (_, n) => (n === at ? x : 0));
    const vector = fc.oneof(
      fc.nat(dim - 1).map((at) => axis(at)),
      fc.nat(dim - 1).map((at) => axis(at, -(2 ** 60))),
      fc.constantFrom(1, -1, 2 ** -60).map((x) => new Float32Array(dim).fill(x)),
      fc.nat(3).map((seed) => near(new Float32Array(dim).fill(1), 1e-4, normals(seed))),
      fc.nat(3).map((seed) => near(new Float32Array(dim).fill(1), 1e-7, normals(seed))),
      fc.float32Array({ noNaN: true, noDefaultInfinity: true, min: -1, max: 1, minLength: dim, maxLength: dim }),
    );
    const directed = vector.filter((each) => each.some((x) => Math.abs(x) > 1e-18));
    const asked = fc.record({ at: fc.nat(19), count: fc.constantFrom(0, 1, 3, 100) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(directed, { minLength: 1, maxLength: 20 }),
        directed,
        asked,
        async (all, probe, how) => {
          const ward = new Ward(dim, scanner, 100);
          for (const [n, each] of all.entries()) ward.put(name(n), each);
          const floor = cosine(all[how.at % all.length] as Float32Array, probe);
          expect(await ward.search(probe, { floor, count: how.count })).toEqual(
            ward.truth(probe, { floor, count: how.count }),
          );
          scanner.release(ward.gallery);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('shows among many, in threads, what is there and nothing that is gone', async () => {
    const ward = new Ward(64, scanner);
    const normal = normals(3);
    for (let n = 0; n < 21_000; n++) ward.put(name(n), randomOf(64, normal));
    const people = [17, 9_000, 20_999].map((n) => ward.vault.get(name(n)) as Float32Array);
    const probes = [...people, ...people].map((vector) => near(vector, 0.5, normal));
    // More than go into one pass, at once.
    const asked = probes.map((_, n) => ({ floor: n % 2 ? 0.6 : -1, count: n % 3 ? 10 : 0 }));
    const all = probes.map((probe, n) => ward.search(probe, asked[n] as Asked));
    expect(await Promise.all(all)).toEqual(probes.map((probe, n) => ward.truth(probe, asked[n] as Asked)));
    expect(await ward.search(probes[0] as Float32Array, { floor: 0.2, count: 0 })).toEqual(
      ward.truth(probes[0] as Float32Array, { floor: 0.2, count: 0 }),
    );
    ward.forget(name(17));
    expect(await ward.search(people[0] as Float32Array, { floor: 0.4, count: 10 })).toEqual(
      ward.truth(people[0] as Float32Array, { floor: 0.4, count: 10 }),
    );
    ward.put('new', people[0] as Float32Array);
    expect(await ward.search(people[0] as Float32Array, { floor: 0.9, count: 1 })).toEqual([{ id: 'new', score: 1 }]);
  });

  it('compares exactly only what may be wanted', async () => {
    const ward = new Ward(512, scanner);
    const normal = normals(5);
    for (let n = 0; n < 1_000; n++) ward.put(name(n), randomOf(512, normal));
    const probe = near(ward.vault.get('t5') as Float32Array, 0.5, normal);
    expect(await ward.search(probe, { floor: 0.4, count: 0 })).toEqual(ward.truth(probe, { floor: 0.4, count: 0 }));
    expect(ward.rescored).toBe(1);
  });
});

describe('a gallery', () => {
  let scanner: Scanner;
  beforeAll(() => {
    scanner = new Scanner(1);
  });
  afterAll(() => scanner.close());
  const bytesOf = ({ memory }: Gallery) => Buffer.from(new Uint8Array(memory.buffer));

  it('has zeros where a template was, and where probes were', async () => {
    const ward = new Ward(64, scanner);
    ward.put(
      'before',
      Float32Array.from({ length: 64 }, (_, at) => Math.sin(at)),
    );
    const untouched = bytesOf(ward.gallery);
    const vector = Float32Array.from({ length: 64 }, (_, at) => Math.cos(at * at));
    ward.put('gone', vector);
    // The second row, in the plane of upper halves and in that of lower ones.
    const halves = [0, 4_096].map((row) => {
      const from = ward.gallery.layout.blocksFrom + (row + 1) * 32;
      return Buffer.from(bytesOf(ward.gallery).subarray(from, from + 32));
    });
    expect(halves.map((half) => half.every((x) => x === 0))).toEqual([false, false]);
    expect((await ward.search(vector, { floor: 0.9, count: 0 })).map(({ id }) => id)).toEqual(['gone']);
    expect(ward.forget('gone')).toBe(true);
    expect(ward.forget('gone')).toBe(false);
    expect(ward.gallery.size).toBe(1);
    const { blocksFrom } = ward.gallery.layout;
    expect(bytesOf(ward.gallery).subarray(blocksFrom)).toEqual(untouched.subarray(blocksFrom));
    // Probes and scores alike: all that the threads worked with.
    expect(
      bytesOf(ward.gallery)
        .subarray(0, blocksFrom)
        .every((x) => x === 0),
    ).toBe(true);
    ward.gallery.clearAll();
    expect(halves.map((half) => bytesOf(ward.gallery).includes(half))).toEqual([false, false]);
    expect(ward.gallery.size).toBe(0);
  });

  it('takes the places that are free before it grows, replaces in place, and refuses what is too much', () => {
    const ward = new Ward(64, scanner, 4_097);
    const vector = new Float32Array(64).fill(1);
    for (let n = 0; n < 4_096; n++) ward.put(name(n), vector);
    const { memoryBytes } = ward.gallery;
    ward.forget('t7');
    ward.put('other', vector);
    ward.put('other', vector);
    expect([ward.gallery.size, ward.gallery.blockCount, ward.gallery.memoryBytes]).toEqual([4_096, 1, memoryBytes]);
    ward.put('more', vector);
    expect(ward.gallery.blockCount).toBe(2);
    expect(ward.gallery.memoryBytes).toBeGreaterThan(memoryBytes);
    expect(() => ward.put('too much', vector)).toThrow(GalleryFull);
    expect(ward.gallery.has('too much')).toBe(false);
    expect(() => Gallery.of({ dim: 2_048, rowsMax: 3_000_000 })).toThrow('do not fit into 4 GiB');
    expect(() => ward.gallery.put('x', new Float64Array(65))).toThrow(RangeError);
  });

  it('with fewer than are asked for gives them all, and none for whom there is no place', async () => {
    const ward = new Ward(64, scanner);
    const probe = new Float64Array(64).fill(1 / 8);
    expect(await search(scanner, ward.gallery, probe, { floor: -1, count: 3 }, async () => [])).toEqual([]);
    ward.put('one', new Float32Array(64).fill(-1));
    const hits = await ward.search(new Float32Array(64).fill(1), { floor: Number.NEGATIVE_INFINITY, count: 3 });
    expect(hits).toEqual([{ id: 'one', score: -1 }]);
  });

  it('refuses what it cannot be asked', async () => {
    const { gallery } = new Ward(64, scanner);
    const unit = new Float64Array(64).fill(1 / 8);
    for (const asked of [
      { floor: Number.NaN, count: 1 },
      { floor: 0, count: 1_001 },
      { floor: 0, count: 0.5 },
    ]) {
      await expect(scanner.scan(gallery, unit, asked)).rejects.toThrow(RangeError);
    }
    await expect(scanner.scan(gallery, new Float64Array(64), { floor: 0, count: 1 })).rejects.toThrow('of length 1');
    expect(() => gallery.put('x', new Float64Array(64))).toThrow('of length 1');
    expect([gallery.size, gallery.blockCount]).toEqual([0, 0]);
  });

  it('that changes while it is searched is searched again, and nobody who was there all the time is missed', async () => {
    const ward = new Ward(64, scanner);
    const normal = normals(9);
    const person = randomOf(64, normal);
    ward.put('best', person);
    for (let n = 0; n < 10; n++) ward.put(name(n), near(person, 0.3, normal));
    const probe = ward.rotation.rotate(person);
    let rounds = 0;
    const hits = await search(scanner, ward.gallery, probe, { floor: -1, count: 3 }, async (ids) => {
      // The best of all goes while the scores are worked out.
      if (rounds++ === 0) ward.forget('best');
      return ids.map((id) => {
        const vector = ward.vault.get(id);
        return vector && cosine(vector, person);
      });
    });
    expect(hits).toEqual(ward.truth(person, { floor: -1, count: 3 }));
    expect(rounds).toBe(2);
    const restless = search(scanner, ward.gallery, probe, { floor: -1, count: 3 }, async (ids) =>
      ids.map(() => undefined),
    );
    await expect(restless).rejects.toThrow('search again');
  });
});

describe('a scanner', () => {
  it('fails what waits when it is closed, and scans on after a thread ended', async () => {
    const scanner = new Scanner(1);
    const ward = new Ward(64, scanner);
    const vector = new Float32Array(64).fill(1);
    for (let n = 0; n < 21_000; n++) ward.put(name(n), vector);
    const asked = { floor: 0.5, count: 2 };
    expect(await ward.search(vector, asked)).toHaveLength(2);
    const cut = ward.search(vector, asked);
    const late = ward.search(vector, asked);
    // The first is in the threads by then, the second waits.
    await new Promise((resolve) => setImmediate(resolve));
    await scanner.close();
    for (const each of [cut, late]) await expect(each).rejects.toThrow('the matcher was closed');
    expect(await ward.search(vector, asked)).toHaveLength(2);
    // More than the board holds, as a message.
    expect(await ward.search(vector, { floor: 0.5, count: 0 })).toHaveLength(21_000);
    await scanner.close();
  });
});
