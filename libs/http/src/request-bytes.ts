import {
  BadRequestException,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { finalize } from 'rxjs';

/** What came in with a request and must not stay: overwritten once nobody needs it any more. */
export class RequestBytes {
  private readonly buffers: Uint8Array[] = [];
  private held = false;
  private over = false;

  /** From now on overwritten with the rest; at once where the rest is already. */
  own(buffer: Uint8Array): void {
    if (this.over) buffer.fill(0);
    else this.buffers.push(buffer);
  }

  /** They stay until `release`. False where it is too late. */
  hold(): boolean {
    this.held = !this.over;
    return this.held;
  }

  release(): void {
    this.held = false;
    this.overwrite();
  }

  /** When the request is over, be it answered or given up. Who holds them is still at work, and releases them later. */
  end(): void {
    if (!this.held) this.overwrite();
  }

  private overwrite(): void {
    this.over = true;
    for (const buffer of this.buffers.splice(0)) buffer.fill(0);
  }
}

/** A request whose body was read by our parsers. */
export interface BytesRequest {
  readonly headers: object;
  bytes?: RequestBytes;
}

/**
 * Keeps the bytes of a request for as long as its route works on them, even when the caller has left meanwhile: what was
 * half overwritten must never be compared or enrolled.
 */
@Injectable()
export class HoldBytes implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    const { bytes } = context.switchToHttp().getRequest<BytesRequest>();
    if (!bytes) return next.handle();
    if (!bytes.hold()) throw new BadRequestException();
    return next.handle().pipe(finalize(() => bytes.release()));
  }
}
