import { Injectable } from '@nestjs/common';
import { DataKeys } from '#lib/keys/contract';
import { Clock, Documents, EventStore, KeyTable, Nodes, Vault } from '#lib/ports';
import { type ErasureStore, ErasureStores, type Prober } from './erasure-stores.js';
import { TemplateRecords, vaultCollection } from './template-records.js';
import { TemplatesView } from './templates.view.js';

/** A matcher did not say that it let go of the template: to be asked again. */
class NodeSilent extends Error {}

/** What a document about a template may say. A vector or a key id is not among it. */
const shownMembers = ['purposeId', 'state', 'subjectId'];

/** The four places where something of a template is: its key, its ciphertext, the memory of matchers, the list. */
@Injectable()
export class TemplateStores {
  constructor(
    stores: ErasureStores,
    private readonly keys: DataKeys,
    private readonly keyTable: KeyTable,
    private readonly records: TemplateRecords,
    private readonly vault: Vault,
    private readonly nodes: Nodes,
    private readonly view: TemplatesView,
    private readonly documents: Documents,
    private readonly log: EventStore,
    private readonly clock: Clock,
  ) {
    stores.add(...this.keyStore());
    stores.add(...this.vaultStore());
    stores.add(...this.matchers());
    stores.add(...this.views());
  }

  private keyStore(): [ErasureStore, Prober] {
    const store = 'key-table';
    return [
      {
        store,
        step: 'destroy-key',
        erase: async (tenant, { terms }) => {
          await this.keys.erase(tenant, [terms.keyId]);
          return { outcome: 'done' };
        },
      },
      {
        store,
        probe: async (tenant, { terms }) =>
          (await this.keyTable.get(tenant, terms.keyId)) === undefined ? 'absent' : 'present',
      },
    ];
  }

  private vaultStore(): [ErasureStore, Prober] {
    const store = 'vault';
    return [
      {
        store,
        step: 'delete-ciphertext',
        erase: async (tenant, { terms }) => {
          const attempts = await this.records.of(tenant, terms.templateId);
          await this.records.remove(tenant, [...new Set([terms.keyId, ...attempts])]);
          return { outcome: 'done' };
        },
      },
      {
        store,
        probe: async (tenant, { terms }) => {
          const range = { from: terms.templateId, below: `${terms.templateId}!`, limit: 1 };
          const [found] = await this.vault.range(tenant, vaultCollection, range);
          const [named] = await this.vault.get(tenant, vaultCollection, [terms.keyId]);
          return found || named ? 'present' : 'absent';
        },
      },
    ];
  }

  private matchers(): [ErasureStore, Prober] {
    const store = 'matchers';
    return [
      {
        store,
        step: 'evict',
        erase: async (tenant, { terms: { templateId } }) => {
          const answers = await this.nodes.evict({ tenant, templateId });
          if (answers.some(({ outcome }) => outcome === 'silent')) throw new NodeSilent();
          const fenced = answers.filter(({ outcome }) => outcome === 'fenced').length;
          const detail = `${answers.length - fenced} evicted, ${fenced} fenced`;
          return { outcome: fenced > 0 ? 'fenced' : 'done', detail };
        },
      },
      {
        store,
        probe: async (tenant, { terms: { templateId } }) =>
          (await this.nodes.holding({ tenant, templateId })).length === 0 ? 'absent' : 'present',
      },
    ];
  }

  /** The list is scrubbed by following the log, as it is made; here is waited for it. */
  private views(): [ErasureStore, Prober] {
    const store = 'views';
    return [
      {
        store,
        step: 'scrub',
        erase: async (tenant) => {
          await this.view.reach(tenant, await this.log.head(tenant), this.clock);
          return { outcome: 'done' };
        },
      },
      {
        store,
        probe: async (tenant, { terms: { templateId } }) => {
          const [document] = await this.documents.get<object>(tenant, this.view.name, [templateId]);
          if (!document || document.bytes) return 'present';
          const isScrubbed = Object.keys(document.body).every((member) => shownMembers.includes(member));
          return isScrubbed && 'state' in document.body && document.body.state !== 'active' ? 'absent' : 'present';
        },
      },
    ];
  }
}
