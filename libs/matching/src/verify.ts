import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ConsentStream, consentKey, type Grounds, type Permission, permissionOn } from '#lib/consent/contract';
import { type Caller, Fault, type SubjectId, type TenantId } from '#lib/core';
import { cosine, embeddingOf } from '#lib/matcher';
import {
  alternativesAt,
  type CheckpointId,
  CheckpointStream,
  checkpointRefusals,
  type ModelIdentity,
  NoticeStream,
  type PurposeId,
  PurposeStream,
  purposeRefusals,
  ThresholdCardStream,
} from '#lib/policy/contract';
import { Clock, GuardConflict, guardsOf, type Reading, reading, Streams } from '#lib/ports';
import { SubjectStream, subjectRefusals } from '#lib/subjects/contract';
import { type Template, TemplateStream, TemplateVault, templateKey } from '#lib/templates/contract';
import { Deadline } from './deadline.js';
import { type Comparison, comparable, decideMatch, type Outcome } from './decide-match.js';
import { type Match, MatchId, refusals } from './match.stream.js';
import { MatchLog } from './match-log.js';
import { MatcherNode } from './matcher-node.js';

const attemptsMax = 5;
/** A caller is told to use another method within a second, whatever hangs (P12). */
const answerMaxMs = 800;

export interface Probe {
  readonly subjectId: SubjectId;
  readonly purposeId: PurposeId;
  readonly checkpointId?: CheckpointId | undefined;
  readonly model: ModelIdentity;
  /** Little-endian f32. Whoever sends the command overwrites it afterwards. */
  readonly bytes: Uint8Array;
}

export interface Verified {
  readonly match: Match;
  readonly alternatives: readonly string[];
  readonly position: number;
}

/**
 * Compares a probe with the templates of a claimed subject, 1:1. `matchId` names the decision; where it `mayBeRepeat`,
 * because the caller can name it again, one that was recorded is answered and not taken again.
 */
export class VerifyFace extends Command<Verified> {
  constructor(
    readonly caller: Caller,
    readonly matchId: MatchId,
    readonly probe: Probe,
    readonly mayBeRepeat: boolean,
  ) {
    super();
  }
}

/** What a decision is taken on, as it was read, and the guards that make an append rely on it. */
type Read = Awaited<ReturnType<VerifyFaceHandler['read']>>;

/**
 * The match path. The folds may come from memory: an accept is stored only while subject, purpose, notice, consent and
 * templates stand as they were read, so a stale fold costs a second decision and never a wrong accept (P1, P2). A refusal
 * is never given on memory alone. Whatever is answered is durable before.
 */
@CommandHandler(VerifyFace)
export class VerifyFaceHandler implements ICommandHandler<VerifyFace> {
  constructor(
    private readonly streams: Streams,
    private readonly vault: TemplateVault,
    private readonly node: MatcherNode,
    private readonly log: MatchLog,
    private readonly clock: Clock,
    private readonly deadline: Deadline,
  ) {}

  /** @throws Refusal `matching.unavailable` when stores or keys cannot be read or written, within a second */
  async execute(command: VerifyFace): Promise<Verified> {
    try {
      return await this.deadline.within(this.verify(command), answerMaxMs);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw refusals.unavailable({ alternatives: this.lastKnownAlternatives(command) });
    }
  }

  private async verify(command: VerifyFace): Promise<Verified> {
    const known = command.mayBeRepeat ? await this.recorded(command) : undefined;
    return known ?? this.decide(command);
  }

  /** What an attempt of this name came to whose answer was lost on the way. */
  private async recorded({ caller: { tenant }, matchId, probe }: VerifyFace): Promise<Verified | undefined> {
    const { subjectId, purposeId, checkpointId } = probe;
    const found = await this.log.find(tenant, { matchId, subjectId });
    if (!found) return undefined;
    const { state: checkpoints } = await this.streams.load(tenant, CheckpointStream, purposeId);
    return { ...found, alternatives: alternativesAt(checkpoints, checkpointId) };
  }

  private async decide({ caller, matchId, probe, mayBeRepeat }: VerifyFace): Promise<Verified> {
    for (let attempt = 1; ; attempt++) {
      const isFresh = attempt > 1;
      const read = await this.read(caller, probe, isFresh);
      const now = this.clock.now();
      const permission = permissionOn(read.grounds, now);
      const templates = permission.permitted
        ? comparable(read.templates, read.grounds.consents, permission.consent, probe.model)
        : [];
      if (!permission.permitted || !read.isKnown || !read.isModel || templates.length === 0) {
        if (isFresh) throw refusalOf(read, permission);
        continue;
      }
      const outcome = await this.compare(caller, probe, templates, read.card);
      if (outcome.decision === 'unavailable' && !isFresh) continue;
      const match = matchOf(matchId, probe, permission, outcome, read);
      try {
        const guards = outcome.decision === 'accept' ? read.guards : [];
        const isOnce = mayBeRepeat && outcome.decision !== 'unavailable';
        const recorded = isOnce
          ? await this.log.recordOnce(caller, match, now, guards)
          : { match, position: await this.log.record(caller, match, now, guards) };
        if (outcome.decision === 'unavailable') throw refusals.unavailable({ alternatives: read.alternatives });
        return { ...recorded, alternatives: read.alternatives };
      } catch (error) {
        if (!(error instanceof GuardConflict) || attempt === attemptsMax) throw error;
      }
    }
  }

  /** Everything the decision needs. Throws where purpose, checkpoint or model are not what they should be. */
  async read({ tenant }: Caller, { subjectId, purposeId, checkpointId, model }: Probe, isFresh: boolean) {
    const load = <const R extends readonly Reading[]>(readings: R) =>
      isFresh ? this.streams.loadMany(tenant, readings) : this.streams.recall(tenant, readings);
    const key = { subjectId, purposeId };
    const first = [
      reading(PurposeStream, purposeId),
      reading(SubjectStream, subjectId),
      reading(ConsentStream, consentKey(key)),
      reading(TemplateStream, templateKey(key)),
      reading(CheckpointStream, purposeId),
    ] as const;
    const [purpose, subject, consents, templates, checkpoints] = await load(first);
    const { terms } = purpose.state;
    if (!terms) throw purposeRefusals['purpose-missing']();
    const alternatives = alternativesAt(checkpoints.state, checkpointId);
    if (terms.operations[0] !== 'verify') throw refusals['other-operation']({ alternatives });
    if (checkpointId && !checkpoints.state.some((each) => each.checkpointId === checkpointId)) {
      throw checkpointRefusals['checkpoint-missing']();
    }
    const second = [
      reading(NoticeStream, terms.noticeId),
      reading(ThresholdCardStream, terms.thresholdCardId),
    ] as const;
    const [notice, card] = await load(second);
    if (!card.state) throw new Error('a purpose has no threshold card');

    const grounds: Grounds = {
      subject: subject.state,
      purpose: purpose.state,
      notice: notice.state,
      consents: consents.state,
    };
    const guards = guardsOf(
      [first[0], first[1], first[2], first[3], second[0]],
      [purpose, subject, consents, templates, notice],
    );
    return {
      grounds,
      guards,
      alternatives,
      templates: templates.state,
      card: card.state,
      thresholdCardId: terms.thresholdCardId,
      isKnown: subject.state.status === 'registered',
      isModel: card.state.model.id === model.id && card.state.model.version === model.version,
    };
  }

  /** What could be done instead, as it was when this process last read it: the store may be what is out of reach. */
  private lastKnownAlternatives({ caller, probe: { purposeId, checkpointId } }: VerifyFace): string[] {
    const checkpoints = this.streams.remembered(caller.tenant, reading(CheckpointStream, purposeId));
    return alternativesAt(checkpoints ?? [], checkpointId);
  }

  private async compare(
    { tenant }: Caller,
    { bytes }: Probe,
    templates: readonly Template[],
    card: Read['card'],
  ): Promise<Outcome> {
    const given = embeddingOf(bytes, card.model.dim);
    if (!given.ok) throw refusals['bad-embedding']({ errors: [{ path: 'embedding', code: given.reason }] });
    const probe = given.embedding;
    try {
      const comparisons: Comparison[] = [];
      for (const template of templates) {
        comparisons.push(
          await this.node.using(tenant, template.terms.templateId, () => this.score(tenant, probe, template)),
        );
      }
      return decideMatch(comparisons, card);
    } finally {
      probe.fill(0);
    }
  }

  private async score(tenant: TenantId, probe: Float32Array, template: Template): Promise<Comparison> {
    const opened = await this.vault.openAgain(tenant, template);
    if (!opened.ok) return { template, score: undefined };
    const score = cosine(probe, opened.embedding);
    opened.embedding.fill(0);
    return { template, score };
  }
}

function refusalOf({ isKnown, isModel, alternatives }: Read, permission: Permission) {
  if (!isKnown) return subjectRefusals.missing({ alternatives });
  if (!permission.permitted) return refusals['not-permitted']({ reason: permission.reason, alternatives });
  if (!isModel) return refusals['wrong-model']({ errors: [{ path: 'model', code: 'wrong-model' }] });
  return refusals['no-template']({ alternatives });
}

function matchOf(
  matchId: MatchId,
  { subjectId, purposeId, checkpointId, model }: Probe,
  { consent }: Extract<Permission, { permitted: true }>,
  { decision, band, reasons, template }: Outcome,
  { thresholdCardId }: Read,
): Match {
  const { consentId } = consent;
  const compared = template && { templateId: template.terms.templateId };
  const place = checkpointId && { checkpointId };
  return {
    matchId,
    subjectId,
    purposeId,
    ...place,
    decision,
    ...(band && { band }),
    reasons,
    consentId,
    ...compared,
    model,
    thresholdCardId,
  };
}
