import { randomUUID } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { ConsentGiven } from '#lib/consent/contract';
import { type Fact, SubjectId, type TenantId } from '#lib/core';
import { dataKeyBytes, sealedOverheadBytes } from '#lib/envelope';
import { PurposeId } from '#lib/policy/contract';
import { EventStore, KeyService, KeyTable, Random, Vault } from '#lib/ports';
import { SubjectRegistered } from '#lib/subjects/contract';
import { TemplateEnrolled, TemplateId, TemplateIdClaimed } from '#lib/templates/contract';
import { agreement, consentId } from './consent.js';
import { purpose, purposeId, thresholdCard } from './policy.js';
import { withStores } from './stores.js';
import { templateTerms } from './templates.js';

/** As many as servers answer in time, each written in several places at once. */
const batch = 200;

/**
 * Writes patients with one template each straight into the stores of a folder that nobody holds: log, vault and key
 * table, past the API. All were enrolled at `at`, under a consent and a rule of those days.
 */
export const addEnrolled = (folder: string, tenant: TenantId, count: number, at: Date): Promise<void> =>
  withStores(folder, (stores) => write(stores, tenant, count, at));

async function write(stores: INestApplicationContext, tenant: TenantId, count: number, at: Date): Promise<void> {
  const [store, vault, table] = [stores.get(EventStore), stores.get(Vault), stores.get(KeyTable)];
  const [keys, random] = [stores.get(KeyService), stores.get(Random)];
  const bytes = random.bytes(thresholdCard.model.dim * 4 + sealedOverheadBytes);
  const commit = (stream: string, fact: Fact) =>
    store.append({
      tenant,
      stream,
      expected: 0,
      events: [{ ...fact, id: randomUUID(), at: at.toISOString(), actor: 'backlog' }],
    });

  for (let done = 0; done < count; done += batch) {
    const patients = Array.from({ length: Math.min(batch, count - done) }, () => patientOf(at));
    const written = patients.map(async ({ subjectId, registered, given, claimed, enrolled }) => {
      const key = `${subjectId}-${purposeId}`;
      const facts = [
        commit(`subject-${subjectId}`, registered),
        commit(`consent-${key}`, given),
        commit(`template-id-${claimed.data.templateId}`, claimed),
        commit(`template-${key}`, enrolled),
      ];
      await Promise.all(facts);
      await table.put(tenant, await keys.wrap(tenant, enrolled.data.keyId, random.bytes(dataKeyBytes)));
    });
    const puts = patients.map(({ enrolled: { data } }) => ({
      id: data.keyId,
      key: data.templateId,
      sequence: 0,
      body: {},
      bytes,
    }));
    await Promise.all([...written, vault.write(tenant, { collection: 'templates', puts, removes: [] })]);
  }
}

function patientOf(at: Date) {
  const subjectId = SubjectId.parse(randomUUID());
  const templateId = TemplateId.parse(randomUUID());
  const of = { subjectId, purposeId: PurposeId.parse(purposeId) };
  const { act, ...terms } = agreement;
  const validUntil = new Date(at.getTime() + purpose.consentMaxDays * 86_400_000).toISOString();
  const sealed = 'c2VhbGVk';
  return {
    subjectId,
    registered: SubjectRegistered({ subjectId, kind: 'patient', sealed }),
    given: ConsentGiven(
      ConsentGiven.data.parse({ ...terms, ...of, consentId, validUntil, actKind: act.kind, sealedEvidence: sealed }),
    ),
    claimed: TemplateIdClaimed({ ...of, templateId }),
    enrolled: TemplateEnrolled(
      TemplateEnrolled.data.parse({
        ...templateTerms,
        ...of,
        templateId,
        capturedAt: at.toISOString(),
        consentValidUntil: validUntil,
        keyId: `template-${randomUUID()}`,
      }),
    ),
  };
}
