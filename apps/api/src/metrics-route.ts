import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiProduces } from '@nestjs/swagger';
import { AllowedToAnyone } from '#lib/http';
import { Metrics } from './metrics.js';

@Controller('metrics')
export class MetricsRoute {
  constructor(private readonly metrics: Metrics) {}

  /** For Prometheus; docs/metrics.md says what each name means. */
  @Get()
  @AllowedToAnyone()
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string', maxLength: 10_000_000 } })
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @Header('cache-control', 'no-store')
  read() {
    return this.metrics.registry.metrics();
  }
}
