declare const canonical: unique symbol;

/**
 * What a sealed record belongs to, in canonical bytes: one binding, one spelling. Authenticated, but neither secret nor
 * stored: whoever opens must know it. Only the functions below make it.
 */
export type AssociatedData = Uint8Array & { readonly [canonical]: true };

const fieldBytesMax = 0xffff;

/**
 * A kind of binding: the label keeps one kind from passing for another, the length before each field keeps letters from
 * moving into the field next to it. Labels and the order of fields are frozen: changing one locks every stored record.
 */
const bindingOf =
  <const F extends string>(label: string, fields: readonly F[]) =>
  (binding: Readonly<Record<F, string>>): AssociatedData => {
    const parts = [label, ...fields.map((field) => binding[field])].map((value, at) => {
      // Text that is not well-formed loses what sets it apart in UTF-8: two bindings would have the same bytes.
      const bytes = value.isWellFormed() ? Buffer.from(value, 'utf8') : Buffer.of();
      if (bytes.length > 0 && bytes.length <= fieldBytesMax) return bytes;
      throw new RangeError(`${label}: ${fields[at - 1]} must be well-formed text of 1 to ${fieldBytesMax} bytes`);
    });
    const encoded = Buffer.alloc(parts.reduce((total, { length }) => total + 2 + length, 0));
    let end = 0;
    for (const part of parts) {
      end = encoded.writeUInt16BE(part.length, end);
      end += part.copy(encoded, end);
    }
    return encoded as Uint8Array as AssociatedData;
  };

/**
 * What a biometric template is bound to. Moved to another person, purpose, model or hospital it does not open.
 * @throws RangeError when a field is empty, not well-formed or over 65,535 bytes: a bug of the caller
 */
export const templateBinding = bindingOf('lethe/template/v1', [
  'tenant',
  'subject',
  'purpose',
  'template',
  'model',
  'suite',
  'keyId',
]);
export type TemplateBinding = Parameters<typeof templateBinding>[0];

/**
 * What a personal payload in an event is bound to. `context` says which payload it is, such as the event's type and field.
 * @throws RangeError as `templateBinding`
 */
export const personalBinding = bindingOf('lethe/personal/v1', ['tenant', 'subject', 'context', 'keyId']);
export type PersonalBinding = Parameters<typeof personalBinding>[0];

/**
 * What a wrapped data key is bound to: its own id, and the id of the key that wraps it, version or generation included.
 * @throws RangeError as `templateBinding`
 */
export const keyBinding = bindingOf('lethe/key/v1', ['tenant', 'keyId', 'kekId']);
export type KeyBinding = Parameters<typeof keyBinding>[0];

/**
 * What a hand-over of a tenant's keys is bound to, and what is sealed beside it: to no other tenant.
 * @throws RangeError as `templateBinding`
 */
export const handOverBinding = bindingOf('lethe/hand-over/v1', ['tenant']);
