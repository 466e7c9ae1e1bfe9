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
import { Clock, RevisionConflict, reading, Streams } from '#lib/ports';
import { SubjectStream, subjectRefusals } from '#lib/subjects/contract';
import { consentToEnrol, type Enrolment, type EnrolmentGrounds, enrolTemplate, termsOf } from './decide-enrolment.js';
import { EnrolmentAttempts } from './enrolment-attempts.js';
import { refusals, type Template, TemplateStream, templateIn, templateKey } from './template.stream.js';
import { TemplateIdClaimed, TemplateIdStream, type TemplateOwner } from './template-id.stream.js';
import { TemplateVault } from './template-vault.js';

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

@CommandHandler(EnrolTemplate)
export class EnrolTemplateHandler implements ICommandHandler<EnrolTemplate> {
  constructor(
    private readonly streams: Streams,
    private readonly attempts: EnrolmentAttempts,
    private readonly vault: TemplateVault,
    private readonly clock: Clock,
  ) {}

  /** Decided before anything is stored, and again, guarded, when everything is: a withdrawal in between wins (P1). */
  async execute({ caller, enrolment, bytes }: EnrolTemplate): Promise<Enrolled> {
    const { grounds, templates, position } = await this.read(caller.tenant, enrolment);
    const now = this.clock.now();
    consentToEnrol(grounds, enrolment, now);
    const given = embeddingOf(bytes, grounds.card.model.dim);
    if (!given.ok) throw refusals['bad-embedding']({ errors: [{ path: 'embedding', code: given.reason }] });
    try {
      const isRepeat = enrolTemplate(templates, grounds, enrolment, 'undecided', now).length === 0;
      const enrolled = isRepeat
        ? { template: templateIn(templates, enrolment.templateId), position, recorded: false }
        : await this.store(caller, grounds, enrolment, given.embedding);
      if (!enrolled.recorded) await this.assertSame(caller.tenant, enrolled.template, given.embedding);
      return enrolled;
    } finally {
      given.embedding.fill(0);
    }
  }

  private async read(tenant: TenantId, { subjectId, purposeId }: Enrolment) {
    const key = { subjectId, purposeId };
    const [subject, purpose, consents, templates, checkpoints] = await this.streams.loadMany(tenant, [
      reading(SubjectStream, subjectId),
      reading(PurposeStream, purposeId),
      reading(ConsentStream, consentKey(key)),
      reading(TemplateStream, templateKey(key)),
      reading(CheckpointStream, purposeId),
    ]);
    if (subject.state.status !== 'registered') throw subjectRefusals.missing();
    const { terms } = purpose.state;
    if (!terms) throw purposeRefusals['purpose-missing']();
    const [notice, card] = await this.streams.loadMany(tenant, [
      reading(NoticeStream, terms.noticeId),
      reading(ThresholdCardStream, terms.thresholdCardId),
    ]);
    if (!card.state) throw new Error('a purpose has no threshold card');
    const grounds: EnrolmentGrounds = {
      subject: subject.state,
      purpose: purpose.state,
      notice: notice.state,
      consents: consents.state,
      card: card.state,
      alternatives: alternativesAt(checkpoints.state),
    };
    return { grounds, templates: templates.state, position: templates.position };
  }

  private async store(
    caller: Caller,
    grounds: EnrolmentGrounds,
    enrolment: Enrolment,
    embedding: Float32Array,
  ): Promise<Enrolled> {
    const { tenant } = caller;
    const attempt = await this.attempts.begin(tenant, enrolment.templateId);
    const { keyId } = attempt;
    try {
      const consent = consentToEnrol(grounds, enrolment, this.clock.now());
      const isStored = this.attempts.store(tenant, termsOf(grounds, consent, enrolment, keyId), embedding);
      const isClaimed = this.streams.change(caller, TemplateIdStream, enrolment.templateId, (owner) =>
        claimTemplateId(owner, enrolment),
      );
      // Both must have ended before anything is cleared away.
      for (const settled of await Promise.allSettled([isStored, isClaimed])) {
        if (settled.status === 'rejected') throw settled.reason;
      }
      const changed = await this.streams.change(
        caller,
        TemplateStream,
        templateKey(enrolment),
        (templates, now, [subject, purpose, notice, consents]) => {
          this.attempts.assertTimely(attempt, now);
          return enrolTemplate(templates, { ...grounds, subject, purpose, notice, consents }, enrolment, keyId, now);
        },
        this.reliedOn(grounds, enrolment),
      );
      if (changed.recorded) this.attempts.settleLater(tenant, keyId);
      else await this.attempts.abandon(tenant, keyId);
      const { position, recorded } = changed;
      return { template: templateIn(changed.state, enrolment.templateId), position, recorded };
    } catch (error) {
      // After any other fault it is unknown whether it was stored: the sweep finds out, and clears away what was not.
      if (error instanceof Refusal || error instanceof RevisionConflict) await this.attempts.abandon(tenant, keyId);
      throw error;
    }
  }

  private reliedOn({ purpose }: EnrolmentGrounds, { subjectId, purposeId }: Enrolment) {
    if (!purpose.terms) throw purposeRefusals['purpose-missing']();
    return [
      reading(SubjectStream, subjectId),
      reading(PurposeStream, purposeId),
      reading(NoticeStream, purpose.terms.noticeId),
      reading(ConsentStream, consentKey({ subjectId, purposeId })),
    ] as const;
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
