import { z } from 'zod';
import { defineEvent, defineRefusals, defineStream, type EventOf, Label, TenantId } from '#lib/core';

/** A hospital, who answers for it (the controller of GDPR and PIPL), and whose rules hold there. */
export const TenantTerms = z.strictObject({
  name: Label,
  controller: z.strictObject({ name: Label, address: Label, contact: Label, dpoContact: Label }),
  pack: z.enum(['CN-patient']),
});
export type TenantTerms = z.output<typeof TenantTerms>;

export const TenantRegistered = defineEvent({
  type: 'access.tenant-registered',
  version: 1,
  data: z.strictObject({ tenant: TenantId, terms: TenantTerms }),
});

export const refusals = defineRefusals('access', {
  'tenant-missing': ['missing', 'There is no such tenant'],
  'tenant-exists': ['conflict', 'The tenant is registered on other terms'],
  'tenant-reserved': ['conflict', 'The name belongs to the operator'],
});

export const tenantId = 'profile';

/** What a tenant is. It stands in the tenant's own log, under the id `profile`. */
export const TenantStream = defineStream({
  name: 'tenant',
  events: [TenantRegistered],
  initial: undefined as TenantTerms | undefined,
  evolve: (_, { data }: EventOf<typeof TenantRegistered>): TenantTerms | undefined => data.terms,
});
