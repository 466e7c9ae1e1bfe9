import { isUtf8 } from 'node:buffer';
import { decodeBase64 } from './base64.js';

const depthMax = 64;

/** The body cannot be read. Says nothing of it: part of it may be secret. */
export class Malformed extends Error {
  readonly statusCode = 400;

  constructor() {
    super('The body cannot be read');
  }
}

const codeOf = (char: string) => char.charCodeAt(0);
const [space, tab, newline, carriageReturn] = [codeOf(' '), codeOf('\t'), codeOf('\n'), codeOf('\r')];
const [quote, backslash, colon, comma] = [codeOf('"'), codeOf('\\'), codeOf(':'), codeOf(',')];
const [openObject, closeObject, openArray, closeArray] = [codeOf('{'), codeOf('}'), codeOf('['), codeOf(']')];

const isSpace = (byte: number | undefined) =>
  byte === space || byte === newline || byte === carriageReturn || byte === tab;

/** From the opening quote of a string to behind its closing one. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Finds its way through a JSON text by its strings and brackets alone. Whether the rest is JSON is left to `JSON.parse`,
 * which takes the same places for strings; so what is found here in a text that it takes is what it would find.
 */
class Scanner {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** Passes spaces and answers what stands behind them. */
  next(): number | undefined {
    while (isSpace(this.bytes[this.at])) this.at++;
    return this.bytes[this.at];
  }

  string(): Span {
    const start = this.at;
    if (this.bytes[start] !== quote) throw new Malformed();
    let end = start;
    let backslashes: number;
    do {
      end = this.bytes.indexOf(quote, end + 1);
      if (end < 0) throw new Malformed();
      backslashes = 0;
      while (this.bytes[end - 1 - backslashes] === backslash) backslashes++;
    } while (backslashes % 2 === 1);
    this.at = end + 1;
    return { start, end: this.at };
  }

  /** Passes a value of any kind. */
  value(): void {
    let depth = 0;
    do {
      const byte = this.next();
      if (byte === undefined) throw new Malformed();
      if (byte === quote) this.string();
      else {
        this.at++;
        if (byte === openObject || byte === openArray) depth++;
        else if (byte === closeObject || byte === closeArray) depth--;
        else if (depth === 0) this.literal();
      }
      if (depth > depthMax) throw new Malformed();
    } while (depth > 0);
  }

  /** Stops at the value of each member of the object that begins here; `visit` may pass it. */
  members(visit: (name: string) => void): void {
    this.at++;
    if (this.next() === closeObject) {
      this.at++;
      return;
    }
    for (;;) {
      if (this.next() !== quote) throw new Malformed();
      const { start, end } = this.string();
      if (this.next() !== colon) throw new Malformed();
      this.at++;
      this.next();
      const before = this.at;
      visit(this.text(start, end));
      if (this.at === before) this.value();
      const byte = this.next();
      this.at++;
      if (byte === closeObject) return;
      if (byte !== comma) throw new Malformed();
    }
  }

  /** The rest of a number, or of a word such as `null`. */
  private literal(): void {
    for (;;) {
      const byte = this.bytes[this.at];
      if (byte === undefined || byte === comma || byte === closeObject || byte === closeArray) return;
      if (isSpace(byte)) return;
      this.at++;
    }
  }

  /** What a name says, however it is spelled. */
  private text(start: number, end: number): string {
    return String(parsed(Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, end - start).toString()));
  }
}

/** Where the text of `embedding.data` stands, if the body is an object that has one. */
function embeddingIn(bytes: Uint8Array): Span | undefined {
  const scanner = new Scanner(bytes);
  let data: Span | undefined;
  if (scanner.next() !== openObject) {
    scanner.value();
    return undefined;
  }
  const once = (names: Set<string>, name: string, wanted: string) => {
    if (name !== wanted) return false;
    if (names.has(name)) throw new Malformed();
    names.add(name);
    return true;
  };
  const [outer, inner] = [new Set<string>(), new Set<string>()];
  scanner.members((name) => {
    if (!once(outer, name, 'embedding') || scanner.next() !== openObject) return;
    scanner.members((part) => {
      if (once(inner, part, 'data') && scanner.next() === quote) data = scanner.string();
    });
  });
  return data;
}

/**
 * Reads JSON, and takes the base64 text of a member `data` in a member `embedding` at the top out of its bytes, without
 * it ever being a string: in its place in the result stand the bytes that it says, and in `bytes` stand spaces.
 * `own` is told of those bytes, for whoever made them has to overwrite them.
 * @throws Malformed when it is not JSON in UTF-8, nested deeper than 64, has one of these members twice, base64 that is
 * not exact, or a name that would poison a prototype
 */
export function readJson(bytes: Uint8Array, own: (decoded: Uint8Array) => void): unknown {
  if (!isUtf8(bytes)) throw new Malformed();
  const span = embeddingIn(bytes);
  let decoded: Uint8Array | undefined;
  if (span) {
    decoded = decodeBase64(bytes, span.start + 1, span.end - 1);
    if (!decoded) throw new Malformed();
    own(decoded);
    bytes.fill(space, span.start + 1, span.end - 1);
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const body = parsed(text);
  // Rare in an honest body, and a spelling with escapes must not slip through: look closer at all that may have one.
  if (/__proto__|constructor|\\u/.test(text) && poisons(body)) throw new Malformed();
  if (decoded) (body as { embedding: { data: unknown } }).embedding.data = decoded;
  return body;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The error of the parser quotes the body.
    throw new Malformed();
  }
}

/** Whether copying it member by member would change what other objects are (CWE-1321). */
function poisons(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.hasOwn(value, '__proto__')) return true;
  const made = Object.hasOwn(value, 'constructor') ? (value as { constructor: unknown }).constructor : undefined;
  if (typeof made === 'object' && made !== null && Object.hasOwn(made, 'prototype')) return true;
  return Object.values(value).some(poisons);
}
