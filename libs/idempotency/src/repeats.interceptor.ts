import { createHmac } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Injectable, Logger, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { from, lastValueFrom } from 'rxjs';
import { type Caller, Fault } from '#lib/core';
import { type CallerRequest, IdempotentRoute, idempotencyKeyOf, positionHeader } from '#lib/http';
import { KeyService } from '#lib/ports';
import { fingerprintOf } from './fingerprint.js';
import { type Answer, type Attempt, StoredAnswers } from './stored-answers.js';

interface Request extends CallerRequest {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
}

interface Response {
  statusCode: number;
  status(code: number): this;
  header(name: string, value: string): this;
  getHeader(name: string): unknown;
}

/**
 * Answers the repeat of a request as the first time, on routes that are `Idempotent()`, for callers who send a key.
 * Only what was done is kept: a request that was refused or failed may be sent again and is looked at afresh.
 */
@Injectable()
export class Repeats implements NestInterceptor {
  private readonly log = new Logger(Repeats.name);

  constructor(
    private readonly reflector: Reflector,
    private readonly answers: StoredAnswers,
    private readonly keys: KeyService,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler) {
    if (this.reflector.get(IdempotentRoute, context.getHandler()) !== 'stored') return next.handle();
    const request = context.switchToHttp().getRequest<Request>();
    const key = idempotencyKeyOf(request.headers);
    if (key === undefined || !request.caller) return next.handle();
    return from(this.once(request.caller, key, request, context.switchToHttp().getResponse<Response>(), next));
  }

  private async once(caller: Caller, key: string, request: Request, response: Response, next: CallHandler) {
    const attempt = await this.attempt(caller, key, request);
    const known = await this.answers.begin(attempt);
    if (known) return repeat(known, response);
    let body: unknown;
    try {
      body = await lastValueFrom(next.handle(), { defaultValue: undefined });
    } catch (error) {
      // Were it not dropped, it would only seem to run for a while longer.
      const dropped = this.answers.drop(attempt).catch((fault: unknown) => this.log.warn(fault));
      // Where a store failed, this one may hang as well, and the caller has waited for one already (P12).
      if (!(error instanceof Fault)) await dropped;
      throw error;
    }
    const position = response.getHeader(positionHeader);
    const answer = { status: response.statusCode, position: position?.toString(), body };
    // It is done and must be told, kept or not: a repeat that finds no answer runs again and records nothing.
    await this.answers.keep(attempt, answer).catch((fault: unknown) => this.log.warn(fault));
    return body;
  }

  private async attempt({ tenant, actor }: Caller, key: string, { method, url, body }: Request): Promise<Attempt> {
    const secret = await this.keys.secret(tenant, 'idempotency');
    const [path = ''] = url.split('?', 1);
    const id = createHmac('sha256', secret)
      .update(JSON.stringify([actor, method, path, key]))
      .digest('hex');
    return { tenant, id, fingerprint: fingerprintOf(secret, [url, body]) };
  }
}

function repeat({ status, position, body }: Answer, response: Response): unknown {
  response.status(status);
  if (position !== undefined) response.header(positionHeader, position);
  return body;
}
