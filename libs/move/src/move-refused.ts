import { Fault } from '#lib/core';

/** A tenant cannot be moved as was asked. The message says why and what to do; what was begun can be gone on with. */
export class MoveRefused extends Fault {
  override readonly name = 'MoveRefused';
}
