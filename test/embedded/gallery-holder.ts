import { createSecretKey } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { cosine, embeddingOf, Gallery, Rotation, Scanner, search } from '#lib/matcher';

// A program of its own that holds a gallery as who compares does: it reads a vector into memory of its own, overwrites it
// after use, and does what it is told. Its rows are few, so that the thread which asks scans them; or many, so that others do.
const [folder = '', others = '0', about = '{}'] = process.argv.slice(2);
const { secret, ...rotated } = JSON.parse(about);
const { dim } = rotated;
const scanner = new Scanner(1);
const gallery = Gallery.of({ dim, rowsMax: 100_000, lanes: scanner.lanes });
const rotation = Rotation.of(createSecretKey(Buffer.from(secret, 'hex')), rotated);

async function using<T>(name: string, work: (embedding: Float32Array) => T | Promise<T>): Promise<T> {
  const bytes = new Uint8Array(dim * 4);
  const file = openSync(join(folder, name), 'r');
  readSync(file, bytes);
  closeSync(file);
  const read = embeddingOf(bytes, dim);
  bytes.fill(0);
  if (!read.ok) throw new Error(read.reason);
  try {
    return await work(read.embedding);
  } finally {
    read.embedding.fill(0);
  }
}

const turned = <T>(name: string, work: (vector: Float64Array, embedding: Float32Array) => T | Promise<T>) =>
  using(name, async (embedding) => {
    const vector = rotation.rotate(embedding);
    try {
      return await work(vector, embedding);
    } finally {
      vector.fill(0);
    }
  });

const deeds: Readonly<Record<string, (name: string) => Promise<unknown>>> = {
  put: (name) => turned(name, (vector) => gallery.put(name, vector)),
  search: (name) =>
    turned(name, (vector, probe) => {
      const rescore = (ids: readonly string[]) =>
        Promise.all(ids.map((id) => using(id, (embedding) => cosine(embedding, probe))));
      return search(scanner, gallery, vector, { floor: 0.5, count: 0 }, rescore);
    }),
  forget: async (name) => gallery.forget(name),
};

const flat = new Float64Array(dim).fill(1 / Math.sqrt(dim));
for (let n = 0; n < Number(others); n++) gallery.put(`other-${n}`, flat);
process.on('message', ([deed, name]: [string, string]) => {
  void deeds[deed]?.(name).then((answer) => process.send?.(answer ?? null));
});
// Whoever started it is gone.
process.on('disconnect', () => process.exit(0));
