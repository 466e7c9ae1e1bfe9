import { createHmac } from 'node:crypto';
import { Body, Controller, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, uuidFromHex } from '#lib/core';
import { AllowedTo, EmbeddingIn, FromCaller, FromIdempotencyKey, Idempotent, Writes } from '#lib/http';
import { matchRefusals } from '#lib/matching/contract';
import { CheckpointId, MethodKind, ModelIdentity, PurposeId } from '#lib/policy/contract';
import { KeyService, Random } from '#lib/ports';
import { candidatesMax, IdentificationDecided, IdentificationId } from './identification.stream.js';
import { IdentifyFace } from './identify.js';

const Sought = z
  .strictObject({
    purposeId: PurposeId,
    checkpointId: CheckpointId.optional(),
    model: ModelIdentity,
    embedding: EmbeddingIn,
    limit: z.int().min(1).max(candidatesMax).default(1),
  })
  .meta({ id: 'Sought' });
type Sought = z.output<typeof Sought>;

/** Who it may be, by pseudonym and band, never with a score; and among how many was looked. */
const IdentificationShown = z
  .object({
    ...IdentificationDecided.data.pick({ identificationId: true, gallery: true, candidates: true, reasons: true })
      .shape,
    alternatives: z.array(MethodKind).max(MethodKind.options.length),
  })
  .meta({ id: 'Identification' });

@Controller('v1/matches/identify')
export class IdentifyFaceRoute {
  constructor(
    private readonly commands: CommandBus,
    private readonly keys: KeyService,
    private readonly random: Random,
  ) {}

  @Post()
  @AllowedTo('backend', 'device')
  @Idempotent()
  @Writes([200], IdentificationShown)
  async identify(
    @FromCaller() caller: Caller,
    @Body({ schema: Sought }) { embedding, ...sought }: Sought,
    @FromIdempotencyKey() attempt: string | undefined,
  ) {
    if (embedding.dim * 4 !== embedding.data.byteLength) {
      throw matchRefusals['bad-embedding']({ errors: [{ path: 'embedding.dim', code: 'size' }] });
    }
    const id = attempt ? await this.named(caller, sought, attempt) : IdentificationId.parse(this.random.uuid());
    const looked = { ...sought, bytes: embedding.data };
    const { position, ...answer } = await this.commands.execute(
      new IdentifyFace(caller, id, looked, attempt !== undefined),
    );
    return { position, recorded: true, answer };
  }

  /** The same key of the same caller names the same search. It covers nothing of the face. */
  private async named({ tenant, actor }: Caller, sought: Omit<Sought, 'embedding'>, attempt: string) {
    const secret = await this.keys.secret(tenant, 'identification-id');
    const { purposeId, checkpointId, model, limit } = sought;
    const said = [actor, attempt, purposeId, checkpointId, model.id, model.version, limit];
    return IdentificationId.parse(uuidFromHex(createHmac('sha256', secret).update(JSON.stringify(said)).digest('hex')));
  }
}
