import type { AddressInfo } from 'node:net';
import type { HttpAdapterHost } from '@nestjs/core';

/** Where people and machines outside reach this server. Never taken from a request: what it says could lead anywhere. */
export class PublicUrl {
  /** `given` is what the operator set; without it, it is where the server listens. */
  constructor(
    private readonly given: string | undefined,
    private readonly server: HttpAdapterHost,
  ) {}

  /** An absolute URL; `path` begins with `/`. */
  of(path: string): string {
    return `${(this.given ?? this.listening()).replace(/\/+$/, '')}${path}`;
  }

  private listening(): string {
    const address: AddressInfo | string | null = this.server.httpAdapter.getHttpServer().address();
    if (typeof address !== 'object' || !address) return 'http://127.0.0.1';
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return `http://${host}:${address.port}`;
  }
}
