import { createHmac } from 'node:crypto';
import { Body, Controller, Query as FromQuery, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, SubjectId, uuidFromHex } from '#lib/core';
import {
  AllowedTo,
  EmbeddingIn,
  FromCaller,
  FromIdempotencyKey,
  Idempotent,
  Invalid,
  TakesBytes,
  Writes,
} from '#lib/http';
import { CheckpointId, ModelIdentity, PurposeId } from '#lib/policy/contract';
import { KeyService, Random } from '#lib/ports';
import { MatchId, refusals } from './match.stream.js';
import { MatchShown } from './show-match.js';
import { type Probe, VerifyFace } from './verify.js';

export const ProbeInJson = z
  .strictObject({
    subjectId: SubjectId,
    purposeId: PurposeId,
    checkpointId: CheckpointId.optional(),
    model: ModelIdentity,
    embedding: EmbeddingIn,
  })
  .meta({ id: 'Probe' });

/** On the hot path the body is nothing but the vector, and the rest stands in the query. */
const ProbeInQuery = z.strictObject({
  subjectId: SubjectId,
  purposeId: PurposeId,
  checkpointId: CheckpointId.optional(),
  model: ModelIdentity.shape.id,
  modelVersion: ModelIdentity.shape.version,
});

/** For the document: what the query may hold, whichever way the vector comes. */
const ProbeQuery = ProbeInQuery.partial();
type ProbeQuery = z.output<typeof ProbeQuery>;

/** @throws Invalid when something in the query is not what it may hold */
export const queryOf = (query: unknown): ProbeQuery => checked(ProbeQuery, query);

export const verifiers = ['backend', 'device'] as const;

function checked<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const { success, data, error } = schema.safeParse(value);
  if (!success) throw new Invalid(error.issues);
  return data;
}

const isBytes = (body: unknown): body is Uint8Array => Object.prototype.toString.call(body) === '[object Uint8Array]';

/** Either body as one probe. The vector stays what it is: bytes of the request, looked at by nobody here. */
export function probeOf(body: unknown, query: ProbeQuery): Probe {
  if (isBytes(body)) {
    const { subjectId, purposeId, checkpointId, model: id, modelVersion: version } = query;
    // What is there was checked on the way in; only what is missing is still to be said.
    if (!subjectId || !purposeId || !id || !version)
      throw new Invalid(ProbeInQuery.safeParse(query).error?.issues ?? []);
    return { subjectId, purposeId, checkpointId, model: { id, version }, bytes: body };
  }
  checked(z.strictObject({}), query);
  const { embedding, ...rest } = checked(ProbeInJson, body);
  if (embedding.dim * 4 !== embedding.data.byteLength) {
    throw refusals['bad-embedding']({ errors: [{ path: 'embedding.dim', code: 'size' }] });
  }
  return { ...rest, bytes: embedding.data };
}

@Controller('v1/matches/verify')
export class VerifyFaceRoute {
  constructor(
    private readonly commands: CommandBus,
    private readonly keys: KeyService,
    private readonly random: Random,
  ) {}

  @Post()
  @AllowedTo(...verifiers)
  @Idempotent()
  @TakesBytes(ProbeInJson)
  @Writes([200], MatchShown)
  async verify(
    @FromCaller() caller: Caller,
    @FromQuery({ schema: ProbeQuery }) query: ProbeQuery,
    @Body() body: unknown,
    @FromIdempotencyKey() attempt: string | undefined,
  ) {
    const probe = probeOf(body, query);
    const matchId = attempt ? await this.named(caller, probe, attempt) : MatchId.parse(this.random.uuid());
    const command = new VerifyFace(caller, matchId, probe, attempt !== undefined);
    const { match, alternatives, position } = await this.commands.execute(command);
    return { position, recorded: true, answer: { ...match, alternatives } };
  }

  /**
   * The id of a match whose caller may ask again: the same key, of the same caller and for the same person, names the
   * same match, and nobody else can make it. It covers nothing of the face.
   */
  private async named({ tenant, actor }: Caller, probe: Probe, attempt: string): Promise<MatchId> {
    const secret = await this.keys.secret(tenant, 'match-id');
    const { subjectId, purposeId, checkpointId, model } = probe;
    const said = [actor, attempt, subjectId, purposeId, checkpointId, model.id, model.version];
    const hex = createHmac('sha256', secret).update(JSON.stringify(said)).digest('hex');
    return MatchId.parse(uuidFromHex(hex));
  }
}
