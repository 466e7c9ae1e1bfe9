import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Controller, Query as FromQuery, Get, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOkResponse, ApiProduces } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { type Caller, Instant } from '#lib/core';
import { AllowedTo, FromCaller, positionHeader } from '#lib/http';
import { PurposeId } from '#lib/policy/contract';
import { ReportLifecycle } from './lifecycle.js';

/** A report up to this size is sent with its digest in front; a larger one streams, with the digest as a trailer. */
const wholeMaxBytes = 256 * 1024;

export const Position = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);

/** An instant spelled as facts spell theirs, so that they compare as text. */
const Bound = Instant.transform((text) => new Date(text).toISOString()).optional();

/** Which facts, and as of when: shared by the reports. */
export const ReportSelection = z.strictObject({
  from: Bound,
  to: Bound,
  purposeId: PurposeId.optional(),
  at: Position.optional(),
});
export type ReportSelection = z.output<typeof ReportSelection>;

const Selection = ReportSelection.extend({ format: z.enum(['csv', 'ndjson', 'json']).default('json') });
type Selection = z.output<typeof Selection>;

@Controller('v1/reports/lifecycle')
export class ReportLifecycleRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('dpo', 'auditor')
  @ApiProduces('text/csv', 'application/x-ndjson', 'application/json')
  @ApiOkResponse({
    description: 'The report. `Repr-Digest` (RFC 9530) is a header, or a trailer where it is streamed.',
  })
  async report(
    @FromCaller() caller: Caller,
    @FromQuery({ schema: Selection }) { format, at, ...selection }: Selection,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const report = await this.queries.execute(new ReportLifecycle(caller, selection, format, at));
    reply.header(positionHeader, String(report.position)).header('content-type', report.contentType);
    await sendDigested(reply, report.content);
  }
}

/** Sends content with its SHA-256 (RFC 9530), in memory only as far as it is small. */
async function sendDigested(reply: FastifyReply, content: AsyncGenerator<Buffer>): Promise<void> {
  const hash = createHash('sha256');
  const digest = () => `sha-256=:${hash.digest('base64')}:`;
  const begun: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const { value, done } = await content.next();
    if (done) {
      reply.header('repr-digest', digest()).send(Buffer.concat(begun));
      return;
    }
    hash.update(value);
    begun.push(value);
    bytes += value.length;
    if (bytes > wholeMaxBytes) break;
  }
  const rest = async function* () {
    yield* begun.splice(0);
    for await (const piece of content) {
      hash.update(piece);
      yield piece;
    }
  };
  reply.trailer('repr-digest', async () => digest());
  reply.send(Readable.from(rest()));
}
