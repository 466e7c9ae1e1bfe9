import { join } from 'node:path';
import { stateOf } from '#lib/core';
import { historyContract } from '#lib/core/contracts';
import {
  effectiveErasureAt,
  GenerationClosed,
  GenerationStream,
  generationDueAt,
  lastClosed,
  TenantKeyRotated,
} from './generation.stream.js';

historyContract(join(import.meta.dirname, 'events'), GenerationStream.events);

const fresh = GenerationStream.initial;
const closed = stateOf(GenerationStream, [
  { ...GenerationClosed({ generation: 1, rewrapped: 5 }), at: '2026-06-02T00:00:00.000Z' },
  { ...TenantKeyRotated({ keyVersion: 2 }), at: '2026-06-02T12:00:00.000Z' },
  { ...GenerationClosed({ generation: 3, rewrapped: 5 }), at: '2026-06-03T00:00:00.000Z' },
]);

describe('generations', () => {
  it.each([
    [1, '2026-06-02T00:00:00.000Z'],
    [2, '2026-06-03T00:00:00.000Z'],
    [3, '2026-06-03T00:00:00.000Z'],
    [4, undefined],
  ])('make what was erased in %i noise at %s, closed alone or with later ones', (generation, at) => {
    expect(effectiveErasureAt(closed, generation)).toBe(at);
  });

  it('are due a day after the last was closed, the first a day after the first event', () => {
    expect(generationDueAt(fresh, '2026-06-01T08:00:00.000Z')).toEqual(new Date('2026-06-02T08:00:00Z'));
    expect(generationDueAt(closed, '2026-06-01T08:00:00.000Z')).toEqual(new Date('2026-06-04T00:00:00Z'));
  });

  it('know the last one that is closed', () => {
    expect([lastClosed(fresh), lastClosed(closed)]).toEqual([0, 3]);
  });
});
