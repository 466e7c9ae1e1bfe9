import { createSecretKey } from 'node:crypto';
import { normals } from '../../../test/support/chance.js';
import { Rotation } from './rotation.js';

const [dim, people, keyPairs] = [512, 800, 12];

/** How often a mated pair scores more than one that is not: 1 tells them apart, 0.5 does not. */
function areaUnderCurve(mated: readonly number[], others: readonly number[]): number {
  const all = [
    ...mated.map((score) => ({ score, isMated: true })),
    ...others.map((score) => ({ score, isMated: false })),
  ];
  all.sort((a, b) => a.score - b.score);
  const ranks = all.reduce((sum, { isMated }, rank) => sum + (isMated ? rank + 1 : 0), 0);
  return (ranks - (mated.length * (mated.length + 1)) / 2) / (mated.length * others.length);
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, at) => sum + x * (b[at] as number), 0);

/** BTP-3: references of one person at two hospitals, or for two purposes, are no nearer than those of two strangers. */
describe('references of the same people elsewhere', () => {
  const normal = normals(1);
  const enrolled = Array.from({ length: people }, () =>
    Float32Array.from({ length: dim }, (_, at) => normal() * 0.998 ** at),
  );
  const again = enrolled.map((vector) => vector.map((x, at) => x + 0.5 * normal() * 0.998 ** at));
  const rotationOf = (byte: number, purpose: string, version = 1) =>
    Rotation.of(createSecretKey(Buffer.alloc(32, byte)), { purpose, version, dim });
  const here = rotationOf(1, 'registration');
  const ours = enrolled.map((vector) => here.rotate(vector));
  /** The area for references of here and those of the same people there, each beside those of five others. */
  const linked = (there: Rotation) => {
    const theirs = again.map((vector) => there.rotate(vector));
    const scores = (shift: number) =>
      ours.map((vector, n) => dot(vector, theirs[(n + shift) % people] as Float64Array));
    return areaUnderCurve(scores(0), [1, 2, 3, 4, 5].flatMap(scores));
  };

  it.each([
    ['tenants', (n: number) => rotationOf(n + 2, 'registration')],
    ['purposes', (n: number) => rotationOf(1, `purpose-${n}`)],
    ['versions of the key', (n: number) => rotationOf(1, 'registration', n + 2)],
  ])('cannot be told from those of others, by two %s', (_, elsewhere) => {
    const areas = Array.from({ length: keyPairs }, (__, n) => linked(elsewhere(n)));
    const mean = areas.reduce((sum, area) => sum + area, 0) / keyPairs;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
    // Of one pair of keys it may be a little more, either way: see README.md.
    expect(Math.max(...areas.map((area) => Math.abs(area - 0.5)))).toBeLessThan(0.06);
  });

  it('are told apart under the same key, as they have to be', () => {
    expect(linked(here)).toBeGreaterThan(0.999);
  });
});
