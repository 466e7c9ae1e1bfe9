import { Injectable } from '@nestjs/common';
import type { TenantId } from '#lib/core';

/** What a sweep does for another feature: finds in the truth itself what time or a crash left to be done, and does it. */
export interface SweepPart {
  readonly name: string;
  /** Of what was left before the instant `before`. May fail, and is done again by the next sweep. */
  sweep(tenant: TenantId, before: Date): Promise<void>;
}

/** The parts of a sweep that other features have: each adds its own when it is made. */
@Injectable()
export class SweepParts {
  private readonly parts: SweepPart[] = [];

  add(part: SweepPart): void {
    this.parts.push(part);
  }

  all(): readonly SweepPart[] {
    return this.parts;
  }
}
