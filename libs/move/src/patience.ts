import { type Clock, StoreUnavailable } from '#lib/ports';
import { MoveRefused } from './move-refused.js';
import type { Side } from './side.js';

const attemptsMax = 14;
const pauseMinMs = 50;
const pauseMaxMs = 5_000;

/**
 * Does something again, with growing pauses, for as long as its store cannot say whether it was done: a move takes longer
 * than most troubles of a store, and everything it does may be done again.
 * @throws MoveRefused when that takes more than half a minute
 */
export async function patiently<T>(clock: Clock, act: () => Promise<T>): Promise<T> {
  for (let [attempt, pauseMs] = [1, pauseMinMs]; ; attempt++, pauseMs = Math.min(2 * pauseMs, pauseMaxMs)) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      if (attempt === attemptsMax) {
        const message =
          'a store does not answer: see to it, then do the same again. An import goes on from where it is';
        throw new MoveRefused(message, { cause: error });
      }
      await clock.sleep(pauseMs);
    }
  }
}

/** A side whose every call is patient, but for appends: these are repeated by who knows what must come before them. */
export function patientSide({ clock, store, keys, table, vault, documents }: Side): Side {
  const patient = <T extends object>(port: T): T =>
    new Proxy(Object.create(port) as T, {
      get(_, name) {
        const member: unknown = Reflect.get(port, name);
        if (typeof member !== 'function') return member;
        // Its own calls of itself are no matter of ours.
        if (name === 'append') return member.bind(port);
        return (...args: unknown[]) => patiently(clock, async () => member.apply(port, args));
      },
    });
  return {
    clock,
    store: patient(store),
    keys: patient(keys),
    table: patient(table),
    vault: patient(vault),
    documents: patient(documents),
  };
}
