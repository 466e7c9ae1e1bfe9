import { randomUUID } from 'node:crypto';
import type { TenantId } from '#lib/core';
import type { EventStore, NewEvent } from '#lib/ports';

const commitsAtOnce = 200;

/** A decision about a match, the fact that there are most of. */
export function matchDecided(at: Date): NewEvent {
  const subjectId = randomUUID();
  return {
    id: randomUUID(),
    type: 'matching.decided',
    version: 1,
    at: at.toISOString(),
    actor: 'key-bench',
    data: {
      matchId: randomUUID(),
      subjectId,
      purposeId: 'registration',
      decision: 'accept',
      band: 'strong',
      reasons: ['above-accept'],
      consentId: randomUUID(),
      templateId: randomUUID(),
      model: { id: 'synthetic', version: '1' },
      thresholdCardId: 'synthetic-1',
    },
  };
}

/** Stores so many decisions, each a commit of its own as it would be. */
export async function fill(store: EventStore, tenant: TenantId, count: number): Promise<void> {
  for (let done = 0; done < count; done += commitsAtOnce) {
    const appends = Array.from({ length: Math.min(commitsAtOnce, count - done) }, () => {
      const event = matchDecided(new Date());
      return store.append({ tenant, stream: `match-${event.id}-2026-06`, expected: 0, events: [event] });
    });
    await Promise.all(appends);
  }
}
