import { Controller, Get } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Caller } from '#lib/core';
import { AllowedTo, FromCaller, Reads } from '#lib/http';
import { Signatures } from './signatures.js';

/** A JWK Set (RFC 7517) of Ed25519 keys (RFC 8037), as libraries that check a JWS take it. */
const SigningKeys = z
  .object({
    keys: z
      .array(
        z.object({
          kty: z.literal('OKP'),
          crv: z.literal('Ed25519'),
          x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
          kid: z.string().max(100),
          alg: z.literal('EdDSA'),
          use: z.literal('sig'),
        }),
      )
      .max(1_000),
  })
  .meta({ id: 'SigningKeys' });

export class ListSigningKeys extends Query<Awaited<ReturnType<Signatures['jwks']>>> {
  constructor(readonly caller: Caller) {
    super();
  }
}

@QueryHandler(ListSigningKeys)
export class ListSigningKeysHandler implements IQueryHandler<ListSigningKeys> {
  constructor(private readonly signatures: Signatures) {}

  execute({ caller }: ListSigningKeys) {
    return this.signatures.jwks(caller.tenant);
  }
}

/** For whoever holds something the tenant signed. The operator's keys have no tenant, and so nothing to check. */
@Controller('v1/signing-keys')
export class ListSigningKeysRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('backend', 'registrar', 'device', 'dpo', 'auditor', 'patient')
  @Reads(SigningKeys)
  list(@FromCaller() caller: Caller) {
    return this.queries.execute(new ListSigningKeys(caller));
  }
}
