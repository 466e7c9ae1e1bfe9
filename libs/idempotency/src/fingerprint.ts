import { createHmac, type Hmac, type KeyObject } from 'node:crypto';

/** A part of a request: what JSON can say, and bytes. */
type Part = unknown;

const isBytes = (value: Part): value is Uint8Array => Object.prototype.toString.call(value) === '[object Uint8Array]';

/**
 * What two requests have in common exactly when they say the same, in whatever order and spelling. A keyed hash: of what
 * it covers, embeddings too, nothing can be told or tried out without the key (API-2).
 */
export function fingerprintOf(key: KeyObject, request: readonly Part[]): string {
  const hmac = createHmac('sha256', key);
  feed(hmac, request);
  return hmac.digest('hex');
}

/** Every value is told with its kind and its length, so that no two requests feed the same bytes. */
function feed(hmac: Hmac, value: Part): void {
  if (isBytes(value)) {
    hmac.update(`bytes ${value.byteLength}:`).update(value);
  } else if (Array.isArray(value)) {
    hmac.update(`list ${value.length}:`);
    for (const part of value) feed(hmac, part);
  } else if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
    hmac.update(`members ${members.length}:`);
    for (const [name, part] of members) {
      feed(hmac, name);
      feed(hmac, part);
    }
  } else {
    const text = value === undefined ? 'nothing' : JSON.stringify(value);
    hmac.update(`${typeof value} ${text.length}:${text}`);
  }
}
