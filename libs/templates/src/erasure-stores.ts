import { Injectable } from '@nestjs/common';
import type { TenantId } from '#lib/core';
import type { ErasureStep, Template } from './template.stream.js';

/** A place where something of a template may be, and how it is removed from there. */
export interface ErasureStore {
  /** A slug: what its steps are recorded under. */
  readonly store: string;
  readonly step: Exclude<ErasureStep['step'], 'probe'>;
  /** Resolves once nothing is left there. May be called again. Throws when it cannot say so. */
  erase(tenant: TenantId, template: Template): Promise<Pick<ErasureStep, 'outcome' | 'detail'>>;
}

/** Looks whether anything of a template is in a store, by another way than its eraser took (P5). */
export interface Prober {
  readonly store: string;
  probe(tenant: TenantId, template: Template): Promise<'absent' | 'present'>;
}

/** Every place where something of a template may be. A feature that keeps any adds its own when it is made. */
@Injectable()
export class ErasureStores {
  private readonly pairs: { readonly eraser: ErasureStore; readonly prober: Prober }[] = [];

  /** In the order they are erased in. */
  add(eraser: ErasureStore, prober: Prober): void {
    if (eraser.store !== prober.store) throw new Error(`${prober.store} does not look into ${eraser.store}`);
    if (this.pairs.some((pair) => pair.eraser.store === eraser.store)) {
      throw new Error(`there are two stores named ${eraser.store}`);
    }
    this.pairs.push({ eraser, prober });
  }

  all(): readonly { readonly eraser: ErasureStore; readonly prober: Prober }[] {
    return this.pairs;
  }
}
