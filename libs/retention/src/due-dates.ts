import { Injectable } from '@nestjs/common';
import { ConsentStream, consentKey } from '#lib/consent/contract';
import type { TenantId } from '#lib/core';
import { Clock, Streams } from '#lib/ports';
import type { Template, TemplateId } from '#lib/templates/contract';
import { consentEndOf, type Due, dueOf } from './due.js';
import { LastAccepts } from './last-accept.js';

/** Due dates from the streams: what the `due` view shows may be older. */
@Injectable()
export class DueDates {
  constructor(
    private readonly streams: Streams,
    private readonly lastAccepts: LastAccepts,
    private readonly clock: Clock,
  ) {}

  /** Of the active ones among templates of one subject for one purpose; the others are not kept, and have none. */
  async of(tenant: TenantId, templates: readonly Template[]): Promise<ReadonlyMap<TemplateId, Due>> {
    const active = templates.filter(({ state }) => state === 'active');
    const [first] = active;
    if (!first) return new Map();
    const { subjectId, purposeId } = first.terms;
    const { state: consents } = await this.streams.load(tenant, ConsentStream, consentKey({ subjectId, purposeId }));
    const [since = first.enrolledAt] = active.map(({ enrolledAt }) => enrolledAt).sort();
    const isUsed = active.some(({ terms }) => terms.retention.inactivityDays !== undefined);
    const accept = isUsed
      ? await this.lastAccepts.between(tenant, subjectId, purposeId, new Date(since), this.clock.now())
      : undefined;
    return new Map(
      active.map(({ terms, enrolledAt }) => [
        terms.templateId,
        dueOf({
          enrolledAt,
          retention: terms.retention,
          consentValidUntil: consentEndOf(consents, terms.consentId),
          lastAcceptedAt: accept?.at,
        }),
      ]),
    );
  }
}
