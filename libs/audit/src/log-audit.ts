import { ConsentStream, consentKey, continues, type Grounds, permissionOn } from '#lib/consent/contract';
import { type EventDefinition, readerOf, type Stream } from '#lib/core';
import { MatchDecided } from '#lib/matching/contract';
import { NoticeStream, PurposeStream } from '#lib/policy/contract';
import type { StoredEvent } from '#lib/ports';
import { SubjectStream } from '#lib/subjects/contract';
import { type Template, TemplateEnrolled, TemplateStream, templateKey } from '#lib/templates/contract';

/** Something in a log that must not be there. */
export interface Violation {
  readonly sequence: number;
  readonly rule: 'order' | 'readable' | 'P1' | 'P2';
  /** What is wrong, in ids and codes. */
  readonly what: string;
}

const readDecision = readerOf([MatchDecided]);
const readEnrolment = readerOf([TemplateEnrolled]);

/** Streams of one kind, folded as far as the log has been read. */
class Folds<S, D extends EventDefinition> {
  private readonly states = new Map<string, S>();
  private readonly read: ReturnType<typeof readerOf<D>>;

  constructor(private readonly kind: Stream<S, D>) {
    this.read = readerOf(kind.events);
  }

  of(id: string): S {
    return this.states.get(id) ?? this.kind.initial;
  }

  all(): S[] {
    return [...this.states.values()];
  }

  /** Takes the event in if it is of this kind of stream. */
  add(event: StoredEvent): void {
    if (!event.stream.startsWith(`${this.kind.name}-`)) return;
    const fact = this.read(event);
    if (!fact) return;
    const id = event.stream.slice(this.kind.name.length + 1);
    this.states.set(id, this.kind.evolve(this.of(id), fact, event.at));
  }
}

/**
 * Reads one tenant's log from its beginning and says what stands in it against P1 and P2: an enrolment or an accepting
 * match without a valid consent in force at that place of the log. It trusts nothing but the log, and decides by the very
 * functions that decided then. Pure: the same events give the same findings.
 */
export class LogAudit {
  private readonly subjects = new Folds(SubjectStream);
  private readonly purposes = new Folds(PurposeStream);
  private readonly notices = new Folds(NoticeStream);
  private readonly consents = new Folds(ConsentStream);
  private readonly templates = new Folds(TemplateStream);
  private readonly revisions = new Map<string, number>();
  private sequence = 0;
  private enrolmentCount = 0;
  private acceptCount = 0;

  /** Takes the next event of the log. What it answers is all that is wrong with it; usually nothing. */
  add(event: StoredEvent): Violation[] {
    const violations = this.orderOf(event);
    try {
      violations.push(...this.enrolment(event), ...this.accept(event));
      for (const folds of [this.subjects, this.purposes, this.notices, this.consents, this.templates]) folds.add(event);
    } catch {
      violations.push({ sequence: event.sequence, rule: 'readable', what: `${event.type} cannot be read` });
    }
    return violations;
  }

  /** How much of what must be permitted was looked at. */
  looked(): { readonly events: number; readonly enrolments: number; readonly accepts: number } {
    return { events: this.sequence, enrolments: this.enrolmentCount, accepts: this.acceptCount };
  }

  /** The templates that are not erased where the log ends: what vault and key table must hold. */
  living(): Template[] {
    return this.templates.all().flatMap((templates) => templates.filter(({ state }) => state !== 'erased'));
  }

  private orderOf({ sequence, stream, revision }: StoredEvent): Violation[] {
    const expected = (this.revisions.get(stream) ?? 0) + 1;
    const gap = sequence === this.sequence + 1 ? [] : [`sequence ${sequence} follows ${this.sequence}`];
    const leap = revision === expected ? [] : [`revision ${revision} of ${stream} follows ${expected - 1}`];
    this.sequence = sequence;
    this.revisions.set(stream, revision);
    return [...gap, ...leap].map((what) => ({ sequence, rule: 'order', what }));
  }

  private groundsOf(key: { readonly subjectId: string; readonly purposeId: string }): Grounds {
    const purpose = this.purposes.of(key.purposeId);
    return {
      subject: this.subjects.of(key.subjectId),
      purpose,
      notice: this.notices.of(purpose.terms?.noticeId ?? ''),
      consents: this.consents.of(consentKey(key)),
    };
  }

  private enrolment(event: StoredEvent): Violation[] {
    const { data } = readEnrolment(event) ?? {};
    if (!data) return [];
    this.enrolmentCount += 1;
    const permission = permissionOn(this.groundsOf(data), new Date(event.at));
    const what = `template ${data.templateId} was enrolled`;
    if (!permission.permitted) return [{ sequence: event.sequence, rule: 'P1', what: `${what}: ${permission.reason}` }];
    if (permission.consent.consentId === data.consentId) return [];
    return [{ sequence: event.sequence, rule: 'P1', what: `${what} on a consent that did not stand` }];
  }

  private accept(event: StoredEvent): Violation[] {
    const { data } = readDecision(event) ?? {};
    if (data?.decision !== 'accept') return [];
    this.acceptCount += 1;
    const grounds = this.groundsOf(data);
    const permission = permissionOn(grounds, new Date(event.at));
    const wrong = (rule: 'P1' | 'P2', what: string): Violation[] => [
      { sequence: event.sequence, rule, what: `match ${data.matchId} accepted: ${what}` },
    ];
    if (!permission.permitted) {
      return wrong(permission.reason === 'consent-withdrawn' ? 'P2' : 'P1', permission.reason);
    }
    if (permission.consent.consentId !== data.consentId) return wrong('P1', 'the consent named did not stand');
    const template = this.templates.of(templateKey(data)).find(({ terms }) => terms.templateId === data.templateId);
    if (template?.state !== 'active') return wrong('P1', 'the template was not active');
    return continues(grounds.consents, template.terms.consentId, permission.consent)
      ? []
      : wrong('P2', 'the template was enrolled under a consent that had ended');
  }
}
