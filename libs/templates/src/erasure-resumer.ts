import { Injectable } from '@nestjs/common';
import type { TenantId } from '#lib/core';
import { Documents } from '#lib/ports';
import { ErasureSaga } from './erasure-saga.js';
import { TemplateId } from './template.stream.js';
import { type UnfinishedErasure, UnfinishedErasures } from './unfinished-erasures.view.js';

const pageMax = 100;

/** Runs what was begun and has not ended, such as after a crash. The view may lag: running one again changes nothing. */
@Injectable()
export class ErasureResumer {
  constructor(
    private readonly view: UnfinishedErasures,
    private readonly documents: Documents,
    private readonly saga: ErasureSaga,
  ) {}

  /** Of those begun before `before`; answers how many were found, and how many of these are finished now. */
  async resume(tenant: TenantId, before: Date): Promise<{ readonly found: number; readonly finished: number }> {
    let [found, finished] = [0, 0];
    for (let after: { readonly key: string; readonly id: string } | undefined; ; ) {
      const page = await this.documents.range<UnfinishedErasure>(tenant, this.view.name, {
        from: '',
        below: before.toISOString(),
        ...(after && { after }),
        limit: pageMax,
      });
      const ran = page.map(({ id, body }) => this.saga.run(tenant, { templateId: TemplateId.parse(id), ...body }));
      const ended = await Promise.all(ran);
      found += page.length;
      finished += ended.filter((isFinished) => isFinished).length;
      after = page.at(-1);
      if (!after || page.length < pageMax) return { found, finished };
    }
  }
}
