import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { purposeHindrance } from '#lib/consent/contract';
import { type Caller, Fault, Refusal } from '#lib/core';
import { Deadline, matchRefusals } from '#lib/matching/contract';
import {
  alternativesAt,
  type CheckpointId,
  CheckpointStream,
  checkpointRefusals,
  identificationBudget,
  type ModelIdentity,
  type PurposeId,
  PurposeStream,
  purposeRefusals,
  ThresholdCardStream,
} from '#lib/policy/contract';
import { Clock, type Guard, GuardConflict, guardsOf, RevisionConflict, reading, Streams } from '#lib/ports';
import { Candidates, type Search } from './candidates.js';
import { Galleries } from './galleries.js';
import { GallerySearch, SearchFailed } from './gallery-search.js';
import {
  type Candidate,
  type Identification,
  IdentificationDecided,
  type IdentificationId,
  IdentificationStream,
  refusals,
} from './identification.stream.js';
import { GalleryClosed, type KeptGallery } from './kept-gallery.js';
import { Outcomes } from './outcomes.js';

/** As for a comparison one to one (P12). */
const answerMaxMs = 800;
const attemptsMax = 3;

export interface Looked {
  readonly purposeId: PurposeId;
  readonly checkpointId?: CheckpointId | undefined;
  readonly model: ModelIdentity;
  /** Little-endian f32. Whoever sends the command overwrites it afterwards. */
  readonly bytes: Uint8Array;
  /** How many candidates at most. */
  readonly limit: number;
}

export interface Identified extends Identification {
  readonly alternatives: readonly string[];
  readonly position: number;
}

/**
 * Finds who it may be among all who are enrolled for a purpose, 1:N, for a person to confirm. `identificationId` names what
 * is said; where it `mayBeRepeat`, one that was recorded is said again.
 */
export class IdentifyFace extends Command<Identified> {
  constructor(
    readonly caller: Caller,
    readonly identificationId: IdentificationId,
    readonly looked: Looked,
    readonly mayBeRepeat: boolean,
  ) {
    super();
  }
}

type Read = Awaited<ReturnType<IdentifyFaceHandler['read']>>;

/**
 * The gallery only proposes. Before, it takes in all that the log says; after, everybody it came to is read from the streams,
 * compared in f32, and recorded while consent, template, purpose and notice stand. The threshold is the card's `accept`, as
 * the budget is reckoned by it: who scores less is not named.
 */
@CommandHandler(IdentifyFace)
export class IdentifyFaceHandler implements ICommandHandler<IdentifyFace> {
  constructor(
    private readonly streams: Streams,
    private readonly galleries: Galleries,
    private readonly search: GallerySearch,
    private readonly candidates: Candidates,
    private readonly deadline: Deadline,
    private readonly clock: Clock,
    private readonly outcomes: Outcomes,
  ) {}

  /** @throws Refusal `matching.unavailable` when stores, keys or gallery fail, within a second */
  execute(command: IdentifyFace): Promise<Identified> {
    return this.outcomes.count(this.within(command));
  }

  private async within(command: IdentifyFace): Promise<Identified> {
    try {
      return await this.deadline.within(this.identify(command), answerMaxMs);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw matchRefusals.unavailable({ alternatives: this.lastKnownAlternatives(command) });
    }
  }

  private async identify(command: IdentifyFace): Promise<Identified> {
    const { caller, identificationId, looked, mayBeRepeat } = command;
    for (let attempt = 1; ; attempt++) {
      const read = await this.read(caller, looked);
      const known = mayBeRepeat && (await this.recorded(caller, identificationId));
      if (known) return { ...known, alternatives: read.alternatives };
      const kept = await this.galleryFor(caller, read);
      try {
        return await this.identifyIn(kept, command, read);
      } catch (error) {
        // The gallery's key was renewed, the lease is lost, or the purpose is not what it was: decided once more.
        if (!(error instanceof GalleryClosed || error instanceof GuardConflict)) throw error;
        if (attempt === attemptsMax) throw new SearchFailed();
      }
    }
  }

  private async recorded({ tenant }: Caller, id: IdentificationId) {
    const { state, position } = await this.streams.load(tenant, IdentificationStream, id);
    return state && { ...state, position };
  }

  private async identifyIn(kept: KeptGallery, command: IdentifyFace, read: Read): Promise<Identified> {
    const { caller, identificationId, looked, mayBeRepeat } = command;
    await kept.follow();
    const budget = this.budgetOf(kept, read);
    const quota = kept.countIn(read.wanted.rule.searchesPerMinuteMax);
    if ('retryAfterSeconds' in quota) throw refusals['over-quota']({ ...quota, alternatives: read.alternatives });
    try {
      const sought: Search = { ...looked, ...read, identificationId, mayBeRepeat };
      const { scored, reasons } = await this.search.find(caller, kept, sought, looked);
      const recorded = await Promise.all(scored.map((each) => this.candidates.record(caller, sought, each)));
      const said = saidOf(sought, looked, budget, recorded, reasons);
      return { ...(await this.record(caller, said, read.guards)), alternatives: read.alternatives };
    } finally {
      quota.out();
    }
  }

  /**
   * Stores it while the purpose stands as it was read: a search is not recorded after a suspension either (P1).
   * @returns what was said under this id first, here or by an attempt that was given up and went on all the same
   */
  private async record(caller: Caller, said: Identification, guards: readonly Guard[]) {
    const own = reading(IdentificationStream, said.identificationId);
    const before = { state: IdentificationStream.initial, revision: 0, position: 0 };
    try {
      const facts = [IdentificationDecided(said)];
      const { position } = await this.streams.append(caller, own, before, facts, this.clock.now(), guards);
      return { ...said, position };
    } catch (error) {
      if (!(error instanceof RevisionConflict) || error instanceof GuardConflict) throw error;
      const first = await this.recorded(caller, said.identificationId);
      if (!first) throw error;
      return first;
    }
  }

  /** Everything about the purpose, as it is now. Throws where it does not let anybody be searched for, or not like this. */
  async read({ tenant }: Caller, { purposeId, checkpointId, model }: Looked) {
    const readings = [reading(PurposeStream, purposeId), reading(CheckpointStream, purposeId)] as const;
    const loaded = await this.streams.loadMany(tenant, readings);
    const [{ state: purpose }, { state: checkpoints }] = loaded;
    const { terms, rotationVersion } = purpose;
    if (!terms) throw purposeRefusals['purpose-missing']();
    const alternatives = alternativesAt(checkpoints, checkpointId);
    const rule = terms.identification;
    if (!rule) throw matchRefusals['other-operation']({ alternatives });
    if (checkpointId && !checkpoints.some((each) => each.checkpointId === checkpointId)) {
      throw checkpointRefusals['checkpoint-missing']();
    }
    const reason = purposeHindrance(purpose, this.clock.now());
    if (reason) throw matchRefusals['not-permitted']({ reason, alternatives });
    const { noticeId, thresholdCardId } = terms;
    // What a card says never changes.
    const [{ state: card }] = await this.streams.recall(tenant, [
      reading(ThresholdCardStream, thresholdCardId),
    ] as const);
    if (!card) throw new Error('a purpose has no threshold card');
    if (card.model.id !== model.id || card.model.version !== model.version) {
      throw matchRefusals['wrong-model']({ errors: [{ path: 'model', code: 'wrong-model' }] });
    }
    const wanted = { purposeId, model: card.model, rule, rotationVersion };
    const guards = guardsOf(readings.slice(0, 1), loaded.slice(0, 1));
    return { wanted, card, noticeId, thresholdCardId, alternatives, guards };
  }

  /** Why there is none is said together with what else would do (P12). */
  private async galleryFor({ tenant }: Caller, { wanted, alternatives }: Read): Promise<KeptGallery> {
    try {
      return await this.galleries.of({ tenant, ...wanted });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { code, kind, message, detail } = error;
      throw new Refusal(code, kind, message, { ...detail, alternatives });
    }
  }

  private budgetOf(kept: KeptGallery, { card, wanted: { rule }, alternatives }: Read) {
    const { size } = kept.gallery;
    if (kept.leftOut > 0) {
      const templates = size + kept.leftOut;
      throw refusals['over-cap']({ templates, galleryMax: rule.galleryMax, alternatives });
    }
    const { isKept, ...budget } = identificationBudget(card, rule, size);
    if (!isKept) throw refusals['over-budget']({ ...budget, alternatives });
    return budget;
  }

  private lastKnownAlternatives({ caller, looked: { purposeId, checkpointId } }: IdentifyFace): string[] {
    const checkpoints = this.streams.remembered(caller.tenant, reading(CheckpointStream, purposeId));
    return alternativesAt(checkpoints ?? [], checkpointId);
  }
}

function saidOf(
  { identificationId, purposeId, checkpointId, thresholdCardId }: Search,
  { model }: Looked,
  { templates, fpir, fpirMax }: Pick<ReturnType<typeof identificationBudget>, 'templates' | 'fpir' | 'fpirMax'>,
  recorded: readonly (Candidate | undefined)[],
  reasons: readonly string[],
): Identification {
  return {
    identificationId,
    purposeId,
    ...(checkpointId && { checkpointId }),
    model,
    thresholdCardId,
    gallery: { templates, fpir, fpirMax },
    candidates: recorded.filter((candidate) => candidate !== undefined),
    reasons: [...reasons],
  };
}
