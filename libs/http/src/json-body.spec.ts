import fc from 'fast-check';
import { Malformed, readJson } from './json-body.js';

const bytesOf = (text: string) => new Uint8Array(new TextEncoder().encode(text));
const read = (text: string) => readJson(bytesOf(text), () => {});
const malformed = expect.objectContaining({ name: 'Error', statusCode: 400 });

/** What a body says by the slow way, through strings. */
function meaning(text: string): unknown {
  const body = JSON.parse(text);
  const data = body?.embedding?.data;
  if (!Array.isArray(body) && typeof data === 'string') {
    body.embedding.data = new Uint8Array(Buffer.from(data, 'base64'));
  }
  return body;
}

/** Any spelling that JSON has for the same value: with other spaces, names with escapes. */
function spelled(value: unknown, gap: string, escapes: boolean): string {
  if (ArrayBuffer.isView(value)) return JSON.stringify(Buffer.from(value as Uint8Array).toString('base64'));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const list = (parts: string[], open: string, close: string) =>
    `${open}${gap}${parts.join(`${gap},${gap}`)}${gap}${close}`;
  if (Array.isArray(value)) {
    const parts = value.map((part) => spelled(part, gap, escapes));
    return list(parts, '[', ']');
  }
  const named = (name: string) => {
    const codes = Array.from({ length: name.length }, (_, n) => name.charCodeAt(n).toString(16).padStart(4, '0'));
    return escapes ? `"${codes.map((code) => `\\u${code}`).join('')}"` : JSON.stringify(name);
  };
  const parts = Object.entries(value).map(
    ([name, part]) => `${named(name)}${gap}:${gap}${spelled(part, gap, escapes)}`,
  );
  return list(parts, '{', '}');
}

describe('a JSON body', () => {
  it('reads as JSON.parse reads it, but for the embedding, which is bytes', () => {
    const embedding = fc.record(
      { data: fc.uint8Array({ maxLength: 40 }), dim: fc.nat(), encoding: fc.string(), data2: fc.jsonValue() },
      { requiredKeys: [] },
    );
    const trap = fc.record({ embedding: fc.record({ data: fc.base64String() }), data: fc.base64String() });
    const member = fc.tuple(
      fc.oneof(fc.string(), fc.constantFrom('data', 'embedding ', 'embed"ding', '\\')),
      fc.oneof(fc.jsonValue(), trap, fc.constant('{"embedding":{"data":"AAAA"}}')),
    );
    const inside = fc.oneof(embedding, fc.array(fc.jsonValue()), fc.integer());
    const gap = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
    fc.assert(
      fc.property(fc.array(member), inside, fc.array(member), gap, fc.boolean(), (before, embedded, after, ...how) => {
        const text = spelled(Object.fromEntries([...before, ['embedding', embedded], ...after]), ...how);
        fc.pre(!JSON.stringify(JSON.parse(text)).includes('__proto__'));
        expect(read(text)).toEqual(meaning(text));
      }),
      { numRuns: 500 },
    );
  });

  it('reads any other JSON value as it is', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        // Refused, which another test shows.
        fc.pre(!text.includes('__proto__'));
        expect(read(text)).toEqual(meaning(text));
      }),
    );
  });

  it('is malformed, or what JSON.parse says, however it is broken', () => {
    const text = '{"a":[1,{"embedding":{"data":"AAAA"}}],"embedding":{"dim":1,"data":"AAAAAA=="},"b":"\\"}"}';
    const outcome = (reading: () => unknown) => {
      try {
        return { value: reading() };
      } catch (error) {
        return error instanceof SyntaxError || error instanceof Malformed ? 'malformed' : error;
      }
    };
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(4), fc.string({ unit: 'binary', maxLength: 3 }), (at, cut, put) => {
        const broken = text.slice(0, at) + put + text.slice(at + cut);
        expect(['malformed', outcome(() => meaning(broken))]).toContainEqual(outcome(() => read(broken)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('leaves no text of the embedding where it came in, and gives its bytes to who overwrites them', () => {
    const bytes = bytesOf('{"embedding":{"data":"AQIDBA=="},"x":1}');
    const owned: Uint8Array[] = [];
    const body = readJson(bytes, (decoded) => owned.push(decoded)) as { embedding: { data: Uint8Array } };
    expect(new TextDecoder().decode(bytes)).toBe('{"embedding":{"data":"        "},"x":1}');
    expect(owned).toEqual([new Uint8Array([1, 2, 3, 4])]);
    expect(body.embedding.data).toBe(owned[0]);
  });

  it.each([
    ['empty', ''],
    ['spaces', '  '],
    ['cut short', '{"embedding":{"data":"AAAA'],
    ['followed by more', '{"embedding":{"data":"AAAA"}}}'],
    ['of two embeddings', '{"embedding":{"data":"AAAA"},"embedding":{"data":"AAAA"}}'],
    ['of two embeddings, one spelled with an escape', '{"embedding":1,"\\u0065mbedding":{"data":"AAAA"}}'],
    ['of an embedding with two data', '{"embedding":{"data":"AAAA","d\\u0061ta":"AAAA"}}'],
    ['of an embedding in no base64', '{"embedding":{"data":"AAA!"}}'],
    ['of an embedding with escapes', '{"embedding":{"data":"AA\\u0041A"}}'],
    ['nested too deeply', `{"a":${'['.repeat(65)}${']'.repeat(65)}}`],
    ['nested too deeply at the top', `${'['.repeat(60_000)}`],
    ['a name that changes prototypes', '{"a":[{"__proto__":{"x":1}}]}'],
    ['a name that changes prototypes, spelled with an escape', '{"\\u005f_proto__":{"x":1}}'],
    ['a constructor with a prototype', '{"constructor":{"prototype":{}}}'],
    ['closed by other brackets', '{"a":[1},"embedding":{"data":"AAAA"}}'],
  ])('is malformed when it is %s', (_, text) => {
    expect(() => read(text)).toThrow(malformed);
  });

  it('is malformed when it is not UTF-8', () => {
    expect(() => readJson(new Uint8Array([0x22, 0xff, 0x22]), () => {})).toThrow(malformed);
  });
});
