import { isDeepStrictEqual } from 'node:util';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, type EventOf, operator, TenantId } from '#lib/core';
import { AllowedTo, FromCaller, Writes } from '#lib/http';
import { type Changed, KeyService, Streams } from '#lib/ports';
import { refusals, TenantRegistered, TenantStream, TenantTerms, tenantId } from './tenant.stream.js';

const TenantParams = z.object({ tenant: TenantId });
type TenantParams = z.output<typeof TenantParams>;

const TenantShown = TenantTerms.extend({ tenant: TenantId }).meta({ id: 'Tenant' });

/** Registers the tenant of `caller`: from then on it may have keys. */
export class RegisterTenant extends Command<Changed<TenantTerms | undefined>> {
  constructor(
    readonly caller: Caller,
    readonly terms: TenantTerms,
  ) {
    super();
  }
}

/** A repeat records nothing; other terms are refused. */
export const registerTenant = (
  registered: TenantTerms | undefined,
  { caller: { tenant }, terms }: RegisterTenant,
): EventOf<typeof TenantRegistered>[] => {
  if (tenant === operator) throw refusals['tenant-reserved']();
  if (!registered) return [TenantRegistered({ tenant, terms })];
  if (!isDeepStrictEqual(registered, terms)) throw refusals['tenant-exists']();
  return [];
};

@CommandHandler(RegisterTenant)
export class RegisterTenantHandler implements ICommandHandler<RegisterTenant> {
  constructor(
    private readonly streams: Streams,
    private readonly keys: KeyService,
  ) {}

  /** The keys come first: whoever is registered has them, also after a crash in between. */
  async execute(command: RegisterTenant) {
    const { tenant } = command.caller;
    if (tenant !== operator) await this.keys.provision(tenant);
    return this.streams.change(command.caller, TenantStream, tenantId, (registered) =>
      registerTenant(registered, command),
    );
  }
}

@Controller('v1/tenants/:tenant')
export class RegisterTenantRoute {
  constructor(private readonly commands: CommandBus) {}

  @Put()
  @AllowedTo('admin')
  @Writes([201, 200], TenantShown)
  async register(
    @FromCaller() { actor }: Caller,
    @Param({ schema: TenantParams }) { tenant }: TenantParams,
    @Body({ schema: TenantTerms }) terms: TenantTerms,
  ) {
    const changed = await this.commands.execute(new RegisterTenant({ tenant, actor }, terms));
    return { ...changed, answer: { tenant, ...terms } };
  }
}
