import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Caller } from '#lib/core';
import { type Changed, KeyService, Streams } from '#lib/ports';
import { type GenerationHistory, GenerationStream, generationsId, TenantKeyRotated } from './generation.stream.js';

/**
 * Begins a new version of the tenant's key: whatever is wrapped from now on is wrapped under it, and the next closing of
 * a generation wraps everything else anew. Each one begins a version, repeated or not.
 */
export class RotateTenantKey extends Command<Changed<GenerationHistory>> {
  constructor(readonly caller: Caller) {
    super();
  }
}

@CommandHandler(RotateTenantKey)
export class RotateTenantKeyHandler implements ICommandHandler<RotateTenantKey> {
  constructor(
    private readonly keys: KeyService,
    private readonly streams: Streams,
  ) {}

  async execute({ caller }: RotateTenantKey) {
    const keyVersion = await this.keys.rotate(caller.tenant);
    return this.streams.change(caller, GenerationStream, generationsId, () => [TenantKeyRotated({ keyVersion })]);
  }
}
