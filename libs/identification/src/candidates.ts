import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Consent, ConsentStream, consentKey, permissionOn } from '#lib/consent/contract';
import { type Caller, Fault, type SubjectId, type TenantId, uuidFromHex } from '#lib/core';
import { bandOf, cosine } from '#lib/matcher';
import { comparable, type Match, MatcherNode, MatchId, MatchLog } from '#lib/matching/contract';
import {
  type CheckpointId,
  type NoticeId,
  NoticeStream,
  type PurposeId,
  PurposeStream,
  type ThresholdCardId,
  type ThresholdCardTerms,
} from '#lib/policy/contract';
import { Clock, type Guard, GuardConflict, guardsOf, KeyService, Random, reading, Streams } from '#lib/ports';
import { SubjectStream } from '#lib/subjects/contract';
import { type Template, TemplateStream, TemplateVault, templateKey } from '#lib/templates/contract';
import { Candidate, type IdentificationId } from './identification.stream.js';

const attemptsMax = 5;

/** A template that may be the one looked for cannot be opened: nobody can say that it is not. */
export class CandidateUnreadable extends Fault {
  override readonly name = 'CandidateUnreadable';
}

/** What is looked for, and by which card it is judged. */
export interface Search {
  readonly identificationId: IdentificationId;
  readonly purposeId: PurposeId;
  readonly checkpointId?: CheckpointId | undefined;
  readonly noticeId: NoticeId;
  readonly thresholdCardId: ThresholdCardId;
  readonly card: ThresholdCardTerms;
  /** Whether its caller can name it again: then what is recorded of it is recorded once. */
  readonly mayBeRepeat: boolean;
}

/** One template that the search came to, as it stands: with the consent it may be compared under. */
interface Standing {
  readonly template: Template;
  readonly consent: Consent;
  readonly guards: readonly Guard[];
}

export interface Scored extends Standing {
  readonly subjectId: SubjectId;
  readonly score: number;
}

/**
 * What makes a row that was found a person who may be named: read from the streams, never from the gallery or from memory
 * (P1), and recorded in their own stream as a comparison that accepted, stored only while all it relies on stands (P2).
 */
@Injectable()
export class Candidates {
  constructor(
    private readonly streams: Streams,
    private readonly vault: TemplateVault,
    private readonly node: MatcherNode,
    private readonly log: MatchLog,
    private readonly keys: KeyService,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /**
   * The exact score of a template; undefined where it may not be compared now.
   * @throws CandidateUnreadable, and faults of stores, keys and the node's lease
   */
  async score(
    tenant: TenantId,
    search: Search,
    { subjectId, templateId }: { readonly subjectId: SubjectId; readonly templateId: string },
    probe: Float32Array,
  ): Promise<Scored | undefined> {
    const standing = await this.standing(tenant, search, subjectId, templateId);
    if (!standing) return undefined;
    return this.node.using(tenant, templateId, async () => {
      const opened = await this.vault.openAgain(tenant, standing.template);
      if (!opened.ok && opened.reason === 'unreadable') throw new CandidateUnreadable();
      if (!opened.ok) return undefined;
      const score = cosine(probe, opened.embedding);
      opened.embedding.fill(0);
      return { ...standing, subjectId, score };
    });
  }

  /** Undefined: they may not be named any more. What is answered is durable. */
  async record(caller: Caller, search: Search, scored: Scored): Promise<Candidate | undefined> {
    const { subjectId, score } = scored;
    const { templateId } = scored.template.terms;
    const matchId = await this.matchId(caller.tenant, search, templateId);
    let standing: Standing | undefined = scored;
    for (let attempt = 1; standing; attempt++) {
      const band = Candidate.shape.band.parse(bandOf(score, search.card));
      const match = matchOf(matchId, search, subjectId, standing, band);
      const now = this.clock.now();
      try {
        if (search.mayBeRepeat) await this.log.recordOnce(caller, match, now, standing.guards);
        else await this.log.record(caller, match, now, standing.guards);
        return { subjectId, band, matchId, consentId: standing.consent.consentId };
      } catch (error) {
        if (!(error instanceof GuardConflict) || attempt === attemptsMax) throw error;
        standing = await this.standing(caller.tenant, search, subjectId, templateId);
      }
    }
    return undefined;
  }

  private async standing(
    tenant: TenantId,
    { purposeId, noticeId, card }: Search,
    subjectId: SubjectId,
    templateId: string,
  ): Promise<Standing | undefined> {
    const key = { subjectId, purposeId };
    const readings = [
      reading(PurposeStream, purposeId),
      reading(NoticeStream, noticeId),
      reading(SubjectStream, subjectId),
      reading(ConsentStream, consentKey(key)),
      reading(TemplateStream, templateKey(key)),
    ] as const;
    const loaded = await this.streams.loadMany(tenant, readings);
    const [purpose, notice, subject, consents, { state: templates }] = loaded;
    const grounds = {
      purpose: purpose.state,
      notice: notice.state,
      subject: subject.state,
      consents: consents.state,
    };
    const permission = permissionOn(grounds, this.clock.now());
    if (!permission.permitted) return undefined;
    const { consent } = permission;
    const template = comparable(templates, consents.state, consent, card.model).find(
      ({ terms }) => terms.templateId === templateId,
    );
    return template && { template, consent, guards: guardsOf(readings, loaded) };
  }

  private async matchId(tenant: TenantId, search: Search, templateId: string): Promise<MatchId> {
    if (!search.mayBeRepeat) return MatchId.parse(this.random.uuid());
    const secret = await this.keys.secret(tenant, 'match-id');
    const said = JSON.stringify(['identification', search.identificationId, templateId]);
    return MatchId.parse(uuidFromHex(createHmac('sha256', secret).update(said).digest('hex')));
  }
}

function matchOf(
  matchId: MatchId,
  { purposeId, checkpointId, card: { model }, thresholdCardId }: Search,
  subjectId: SubjectId,
  { template, consent }: Standing,
  band: Match['band'],
): Match {
  return {
    matchId,
    subjectId,
    purposeId,
    ...(checkpointId && { checkpointId }),
    decision: 'accept',
    ...(band && { band }),
    reasons: ['identified'],
    consentId: consent.consentId,
    templateId: template.terms.templateId,
    model: { id: model.id, version: model.version },
    thresholdCardId,
  };
}
