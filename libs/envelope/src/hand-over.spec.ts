import { createSecretKey, randomBytes } from 'node:crypto';
import { handOverBinding } from './associated-data.js';
import { type HandedKeys, openHandOver, sealHandOver } from './hand-over.js';
import { sealTo, transferPublicKey } from './hpke.js';
import { seedOf, signingKeyFrom } from './signing-key.js';

const secret = randomBytes(32);
const to = transferPublicKey(secret);
const signing = signingKeyFrom(randomBytes(32));
const keys: HandedKeys = { version: 3, generation: 41, secret: createSecretKey(randomBytes(32)), signing };
const dataKey = createSecretKey(randomBytes(32));
const nonce = Buffer.alloc(12, 3);

describe('a hand-over', () => {
  const { sealed, transfer } = sealHandOver('here', keys, to, randomBytes(32));
  const taken = openHandOver('here', secret, sealed);
  if (!taken.ok) throw new Error('it does not open');

  it('brings the secret, the signing key and the numbers to count on from', () => {
    expect([taken.keys.version, taken.keys.generation]).toEqual([3, 41]);
    expect(taken.keys.secret.equals(keys.secret)).toBe(true);
    expect(taken.keys.signing.jwk).toEqual(signing.jwk);
    expect(seedOf(taken.keys.signing)).toEqual(seedOf(signing));
  });

  it('opens for its tenant, its receiver and unaltered only', () => {
    expect(openHandOver('there', secret, sealed)).toEqual({ ok: false });
    expect(openHandOver('here', randomBytes(32), sealed)).toEqual({ ok: false });
    const changed = Buffer.from(sealed);
    changed.writeUInt8(changed.readUInt8(40) ^ 1, 40);
    expect(openHandOver('here', secret, changed)).toEqual({ ok: false });
  });

  it('is not taken when it holds something else, such as what a release to come hands over', () => {
    const of = (plaintext: Buffer) =>
      sealTo(to, plaintext, handOverBinding({ tenant: 'here' }), randomBytes(32)).sealed;
    const whole = (head: number, keysBytes: number) =>
      Buffer.concat([Buffer.of(head, 0, 0, 0, 1, 0, 0, 0, 1), Buffer.alloc(keysBytes, 7)]);
    expect(openHandOver('here', secret, of(whole(1, 64)))).toMatchObject({ ok: true });
    for (const plaintext of [whole(2, 64), whole(1, 32), whole(1, 63), whole(1, 65), Buffer.of(1)]) {
      expect(openHandOver('here', secret, of(plaintext))).toEqual({ ok: false });
    }
  });

  it('carries data keys beside it, each under its id', () => {
    const carried = transfer.seal('template-1', dataKey, nonce);
    expect(taken.transfer.open('template-1', carried)?.equals(dataKey)).toBe(true);
    expect(taken.transfer.open('template-2', carried)).toBeUndefined();
    expect(taken.transfer.open('template-1', carried.subarray(1))).toBeUndefined();
    const other = sealHandOver('here', keys, to, randomBytes(32)).transfer;
    expect(other.open('template-1', carried)).toBeUndefined();
  });

  it('proves whose a digest is, to who took it', () => {
    const digest = randomBytes(32);
    expect(taken.transfer.tag(digest)).toEqual(transfer.tag(digest));
    expect(taken.transfer.tag(randomBytes(32))).not.toEqual(transfer.tag(digest));
  });
});
