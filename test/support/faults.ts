import type { DynamicModule, ValueProvider } from '@nestjs/common';
import { type Commit, EventStore } from '#lib/ports';
import { type AppendFault, faulty } from '#lib/ports/contracts';

/** Who appends without being asked over HTTP. */
const workers = ['erasure', 'subject-erasure', 'retention', 'sweeper'];

/** Puts faults between an application and its store: so many appends of callers go well, and then one does not. */
export class PlannedFaults {
  private planned: { left: number; readonly fault: AppendFault } | undefined;

  /** The fault of the append after the next `left`; answers whether it came, when asked. */
  plan(left: number, fault: AppendFault): { readonly came: () => boolean } {
    const planned = { left, fault };
    this.planned = planned;
    return { came: () => planned.left < 0 };
  }

  /** From here on everything goes well. */
  clear(): void {
    this.planned = undefined;
  }

  /** These adapters, with a store that goes wrong as planned. */
  over = (adapters: DynamicModule): DynamicModule => ({
    ...adapters,
    providers: (adapters.providers ?? []).map((provider) => {
      const { provide, useValue } = provider as ValueProvider<EventStore>;
      return provide === EventStore ? { provide, useValue: this.between(useValue) } : provider;
    }),
  });

  private between(store: EventStore): EventStore {
    const append = (commit: Commit) => {
      const { planned } = this;
      if (!planned || planned.left < 0 || workers.includes(commit.events[0]?.actor ?? '')) return store.append(commit);
      planned.left -= 1;
      return faulty(store, planned.left < 0 ? [planned.fault] : []).append(commit);
    };
    return Object.create(store, { append: { value: append } });
  }
}
