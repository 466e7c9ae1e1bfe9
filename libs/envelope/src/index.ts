export {
  type AssociatedData,
  handOverBinding,
  type KeyBinding,
  keyBinding,
  type PersonalBinding,
  personalBinding,
  type TemplateBinding,
  templateBinding,
} from './associated-data.js';
export { dataKeyBytes, dataKeyFrom, unwrapKey, wrapKey } from './data-key.js';
export { type HandedKeys, openHandOver, sealHandOver, type TakenKeys, type Transfer } from './hand-over.js';
export { transferKeyBytes, transferPublicKey } from './hpke.js';
export {
  nonceBytes,
  type Opened,
  type OpenedInto,
  open,
  openInto,
  plaintextBytesMax,
  type Rejected,
  seal,
  sealedOverheadBytes,
  suite,
} from './sealed-record.js';
export { type SigningKey, seedOf, signingKeyFrom } from './signing-key.js';
export {
  secretFrom,
  unwrapAt,
  versionOf,
  type WrappingPlace,
  wrapAt,
  wrappingKeyFrom,
} from './wrapping.js';
