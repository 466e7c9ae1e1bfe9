import { Controller, Delete, Param } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Caller } from '#lib/core';
import { AllowedTo, FromCaller, Writes } from '#lib/http';
import { type Changed, Streams } from '#lib/ports';
import { BeginErasure } from './begin-erasure.js';
import { TemplateParams } from './show-template.js';
import { refusals, type Template, TemplateId } from './template.stream.js';
import { TemplateIdStream } from './template-id.stream.js';

const ErasureStarted = z
  .object({ templateId: TemplateId, erasure: z.string().max(100) })
  .meta({ id: 'ErasureStarted' });

export class DeleteTemplate extends Command<Changed<readonly Template[]>> {
  constructor(
    readonly caller: Caller,
    readonly templateId: TemplateId,
  ) {
    super();
  }
}

/** On request, whatever the consent says: it is blocked when this answers, and erased soon after (PIPL-3). */
@CommandHandler(DeleteTemplate)
export class DeleteTemplateHandler implements ICommandHandler<DeleteTemplate> {
  constructor(
    private readonly streams: Streams,
    private readonly commands: CommandBus,
  ) {}

  async execute({ caller, templateId }: DeleteTemplate) {
    const { state: owner } = await this.streams.load(caller.tenant, TemplateIdStream, templateId);
    if (!owner) throw refusals.missing();
    const { subjectId, purposeId } = owner;
    return this.commands.execute(new BeginErasure(caller, subjectId, purposeId, templateId, 'requested'));
  }
}

@Controller('v1/templates/:templateId')
export class DeleteTemplateRoute {
  constructor(private readonly commands: CommandBus) {}

  @Delete()
  @AllowedTo('backend', 'registrar', 'dpo')
  @Writes([202], ErasureStarted)
  async delete(@FromCaller() caller: Caller, @Param({ schema: TemplateParams }) { templateId }: TemplateParams) {
    const changed = await this.commands.execute(new DeleteTemplate(caller, templateId));
    return { ...changed, answer: { templateId, erasure: `/v1/erasures/${templateId}` } };
  }
}
