import { timingSafeEqual } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ConsentStream, consentKey } from '#lib/consent/contract';
import { type Caller, type EventOf, Fault, Refusal, type TenantId } from '#lib/core';
import { embeddingOf } from '#lib/matcher';
import {
  alternativesAt,
  CheckpointStream,
  NoticeStream,
  PurposeStream,
  purposeRefusals,
  ThresholdCardStream,
} from '#lib/policy/contract';
import { Clock, guardsOf, type Reading, RevisionConflict, reading, Streams } from '#lib/ports';
import { SubjectStream, subjectRefusals } from '#lib/subjects/contract';
import { consentToEnrol, type Enrolment, type EnrolmentGrounds, enrolTemplate, termsOf } from './decide-enrolment.js';
import { type Attempt, EnrolmentAttempts } from './enrolment-attempts.js';
import { refusals, type Template, TemplateStream, templateIn, templateKey } from './template.stream.js';
import { TemplateIdClaimed, TemplateIdStream, type TemplateOwner } from './template-id.stream.js';
import { TemplateVault } from './template-vault.js';

const triesMax = 5;

/** The vector of an active template cannot be read, so whether a repeat is one cannot be said. */
export class TemplateUnreadable extends Fault {
  override readonly name = 'TemplateUnreadable';
}

export interface Enrolled {
  readonly template: Template;
  readonly position: number;
  readonly recorded: boolean;
}

/** Keeps a face for one subject and purpose. `bytes`: little-endian f32, overwritten afterwards by whoever sends the command. */
export class EnrolTemplate extends Command<Enrolled> {
  constructor(
    readonly caller: Caller,
    readonly enrolment: Enrolment,
    readonly bytes: Uint8Array,
  ) {
    super();
  }
}

/** An id names a template of the subject and purpose it first came with, and never of another. */
export const claimTemplateId = (
  owner: TemplateOwner | undefined,
  { templateId, subjectId, purposeId }: Enrolment,
): EventOf<typeof TemplateIdClaimed>[] => {
  if (!owner) return [TemplateIdClaimed({ templateId, subjectId, purposeId })];
  if (isDeepStrictEqual(owner, { subjectId, purposeId })) return [];
  throw refusals['id-taken']();
};

const enrolledIn = (
  { state, position }: { readonly state: readonly Template[]; readonly position: number },
  { templateId }: Enrolment,
  recorded: boolean,
): Enrolled => ({ template: templateIn(state, templateId), position, recorded });

type Read = Awaited<ReturnType<EnrolTemplateHandler['read']>>;

@CommandHandler(EnrolTemplate)
export class EnrolTemplateHandler implements ICommandHandler<EnrolTemplate> {
  constructor(
    private readonly streams: Streams,
    private readonly attempts: EnrolmentAttempts,
    private readonly vault: TemplateVault,
    private readonly clock: Clock,
  ) {}

  /** Nothing is refused on what memory says: then all is read afresh, and decided once more. */
  async execute(command: EnrolTemplate): Promise<Enrolled> {
    const { caller, enrolment } = command;
    try {
      return await this.enrol(command, await this.read(caller.tenant, enrolment, 'remembered'));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return this.enrol(command, await this.read(caller.tenant, enrolment, 'fresh'));
    }
  }

  /** Decided before anything is stored, and again, guarded, when everything is: a withdrawal in between wins (P1). */
  private async enrol({ caller, enrolment, bytes }: EnrolTemplate, read: Read): Promise<Enrolled> {
    const now = this.clock.now();
    consentToEnrol(read.grounds, enrolment, now);
    const given = embeddingOf(bytes, read.grounds.card.model.dim);
    if (!given.ok) throw refusals['bad-embedding']({ errors: [{ path: 'embedding', code: given.reason }] });
    try {
      const isRepeat = enrolTemplate(read.own.state, read.grounds, enrolment, 'undecided', now).length === 0;
      const enrolled = isRepeat
        ? enrolledIn(read.own, enrolment, false)
        : await this.store(caller, read, enrolment, given.embedding);
      if (!enrolled.recorded) await this.assertSame(caller.tenant, enrolled.template, given.embedding);
      return enrolled;
    } finally {
      given.embedding.fill(0);
    }
  }

  /** Everything the decision needs, and the guards that make an append rely on it. */
  async read(tenant: TenantId, { subjectId, purposeId }: Enrolment, how: 'remembered' | 'fresh') {
    const load = <const R extends readonly Reading[]>(readings: R) =>
      how === 'fresh' ? this.streams.loadMany(tenant, readings) : this.streams.recall(tenant, readings);
    const key = { subjectId, purposeId };
    const first = [
      reading(SubjectStream, subjectId),
      reading(PurposeStream, purposeId),
      reading(ConsentStream, consentKey(key)),
      reading(TemplateStream, templateKey(key)),
      reading(CheckpointStream, purposeId),
    ] as const;
    const [subject, purpose, consents, own, checkpoints] = await load(first);
    if (subject.state.status !== 'registered') throw subjectRefusals.missing();
    const { terms } = purpose.state;
    if (!terms) throw purposeRefusals['purpose-missing']();
    const second = [
      reading(NoticeStream, terms.noticeId),
      reading(ThresholdCardStream, terms.thresholdCardId),
    ] as const;
    const [notice, card] = await load(second);
    if (!card.state) throw new Error('a purpose has no threshold card');
    const grounds: EnrolmentGrounds = {
      subject: subject.state,
      purpose: purpose.state,
      notice: notice.state,
      consents: consents.state,
      card: card.state,
      alternatives: alternativesAt(checkpoints.state),
    };
    const guards = guardsOf([first[0], first[1], first[2], second[0]], [subject, purpose, consents, notice]);
    return { grounds, guards, own };
  }

  private async store(caller: Caller, read: Read, enrolment: Enrolment, embedding: Float32Array): Promise<Enrolled> {
    const { tenant } = caller;
    const attempt = await this.attempts.begin(tenant, enrolment.templateId);
    const { keyId } = attempt;
    try {
      const consent = consentToEnrol(read.grounds, enrolment, this.clock.now());
      const isStored = this.attempts.store(tenant, termsOf(read.grounds, consent, enrolment, keyId), embedding);
      const isClaimed = this.streams.change(caller, TemplateIdStream, enrolment.templateId, (owner) =>
        claimTemplateId(owner, enrolment),
      );
      // Both must have ended before anything is cleared away.
      for (const settled of await Promise.allSettled([isStored, isClaimed])) {
        if (settled.status === 'rejected') throw settled.reason;
      }
      const enrolled = await this.record(caller, read, enrolment, attempt);
      if (enrolled.recorded) this.attempts.settleLater(tenant, keyId);
      else await this.attempts.abandon(tenant, keyId);
      return enrolled;
    } catch (error) {
      // After any other fault it is unknown whether it was stored: the sweep finds out, and clears away what was not.
      if (error instanceof Refusal || error instanceof RevisionConflict) await this.attempts.abandon(tenant, keyId);
      throw error;
    }
  }

  /** Stored only while subject, purpose, notice and consent stand as they were read; otherwise decided on fresh ones. */
  private async record(caller: Caller, first: Read, enrolment: Enrolment, attempt: Attempt): Promise<Enrolled> {
    const own = reading(TemplateStream, templateKey(enrolment));
    for (let read = first, tries = 1; ; tries++) {
      const now = this.clock.now();
      this.attempts.assertTimely(attempt, now);
      const facts = enrolTemplate(read.own.state, read.grounds, enrolment, attempt.keyId, now);
      if (facts.length === 0) return enrolledIn(read.own, enrolment, false);
      try {
        const changed = await this.streams.append(caller, own, read.own, facts, now, read.guards);
        return enrolledIn(changed, enrolment, true);
      } catch (error) {
        if (!(error instanceof RevisionConflict) || tries === triesMax) throw error;
        read = await this.read(caller.tenant, enrolment, 'fresh');
      }
    }
  }

  /** Compares with what is in the vault, in constant time: no hash of a face is kept to compare with (FMT-1). */
  private async assertSame(tenant: TenantId, template: Template, embedding: Float32Array): Promise<void> {
    const opened = await this.vault.open(tenant, template);
    if (!opened.ok) throw opened.reason === 'erased' ? refusals.erased() : new TemplateUnreadable();
    const isSame = opened.embedding.length === embedding.length && timingSafeEqual(opened.embedding, embedding);
    opened.embedding.fill(0);
    if (!isSame) throw refusals['id-taken']();
  }
}
