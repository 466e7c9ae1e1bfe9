import { BadRequestException, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { FastifyInstance } from 'fastify';
import { AccessGuard } from '#lib/access/contract';
import { type BytesRequest, bytesAlone, positionHeader } from '#lib/http';
import { Random } from '#lib/ports';
import { MatchId } from './match.stream.js';
import { answerSchema } from './show-match.js';
import { VerifyFace } from './verify.js';
import { probeOf, queryOf, verifiers } from './verify-route.js';

interface Verification extends BytesRequest {
  readonly headers: { readonly authorization?: string };
  readonly query: unknown;
  readonly body: unknown;
}

/**
 * The hot path: `POST /v1/matches/verify` with the vector as bytes, as a route of fastify's own. The same credentials,
 * checks, command, answer and problems as Nest's route at this path, without what Nest does between them: that takes as
 * long as the whole decision (decision 11).
 */
@Injectable()
export class VerifyBytes {
  constructor(
    private readonly guard: AccessGuard,
    private readonly commands: CommandBus,
    private readonly random: Random,
  ) {}

  /** To be called before the server listens. */
  mountOn(server: FastifyInstance): void {
    server.route({
      method: 'POST',
      url: '/v1/matches/verify',
      constraints: { body: bytesAlone },
      config: { takesBytes: true },
      schema: { response: { 200: answerSchema } },
      handler: async (request, reply) => {
        const { match, alternatives, position } = await this.verify(request as Verification);
        reply.header(positionHeader, String(position));
        return { ...match, alternatives };
      },
    });
  }

  private async verify({ headers, query, body, bytes }: Verification) {
    const caller = await this.guard.admit(headers.authorization, verifiers);
    const probe = probeOf(body, queryOf(query));
    if (!bytes?.hold()) throw new BadRequestException();
    try {
      return await this.commands.execute(new VerifyFace(caller, MatchId.parse(this.random.uuid()), probe, false));
    } finally {
      bytes.release();
    }
  }
}
