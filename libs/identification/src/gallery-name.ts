import type { TenantId } from '#lib/core';
import type { IdentificationRule, PurposeId, ThresholdCardTerms } from '#lib/policy/contract';

/** What a gallery is made of, and for. */
export interface GalleryName {
  readonly tenant: TenantId;
  readonly purposeId: PurposeId;
  readonly model: ThresholdCardTerms['model'];
}

/** What a gallery has to be like now. */
export interface GalleryWanted extends GalleryName {
  readonly rule: IdentificationRule;
  readonly rotationVersion: number;
}
