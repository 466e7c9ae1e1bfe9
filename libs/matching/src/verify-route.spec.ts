import { Invalid } from '#lib/http';
import { probeOf } from './verify-route.js';

const vector = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer);
const who = { subjectId: '6f1b0b0e-3c6a-4d52-9d0e-0b5f7f0c1a02', purposeId: 'registration' };
const query = { ...who, model: 'arcface', modelVersion: '2' } as never;
const json = {
  ...who,
  model: { id: 'arcface', version: '2' },
  embedding: { encoding: 'f32le-base64', dim: 4, data: vector },
};
const probe = { ...who, model: { id: 'arcface', version: '2' }, bytes: vector };

/** Where and by which codes a probe was found not to fit. */
const faultsOf = (body: unknown, inQuery: unknown = {}) => {
  try {
    probeOf(body, inQuery as never);
  } catch (error) {
    if (error instanceof Invalid) return error.errors.map(({ path, code }) => `${path} ${code}`);
    throw error;
  }
  return [];
};

describe('a probe', () => {
  it('is the same in either form, and the very bytes of the request', () => {
    expect(probeOf(vector, query)).toEqual(probe);
    expect(probeOf(json, {})).toEqual(probe);
    expect(probeOf(json, {}).bytes).toBe(vector);
  });

  it('may name a checkpoint', () => {
    const checkpointId = 'outpatient-desk';
    expect(probeOf(vector, { ...(query as object), checkpointId } as never)).toEqual({ ...probe, checkpointId });
    expect(probeOf({ ...json, checkpointId }, {})).toEqual({ ...probe, checkpointId });
  });

  it('must say whose face and of which model it is', () => {
    expect(faultsOf(vector)).toEqual([
      'subjectId invalid_type',
      'purposeId invalid_type',
      'model invalid_type',
      'modelVersion invalid_type',
    ]);
    expect(faultsOf({})).toHaveLength(4);
  });

  it('is not given in two ways at once', () => {
    expect(faultsOf(json, { subjectId: who.subjectId })).toEqual(['subjectId unrecognized_keys']);
  });

  it('has as many coordinates as it says', () => {
    expect(() => probeOf({ ...json, embedding: { ...json.embedding, dim: 3 } }, {})).toThrow(
      expect.objectContaining({ code: 'matching.bad-embedding' }),
    );
  });

  it('is no text, list or nothing', () => {
    for (const body of ['text', [1], null, undefined, 1]) expect(faultsOf(body)).toHaveLength(1);
  });
});
