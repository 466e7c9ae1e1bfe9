import { createHistogram } from 'node:perf_hooks';
import { ConsentExpired, ConsentGiven, ConsentRefused, ConsentRenewed, ConsentWithdrawn } from '#lib/consent/contract';
import { readerOf } from '#lib/core';
import { IdentificationDecided } from '#lib/identification/contract';
import { type Decision, MatchDecided } from '#lib/matching/contract';
import type { StoredEvent } from '#lib/ports';
import { TemplateEnrolled, TemplateErased, TemplateErasureBegun } from '#lib/templates/contract';
import { isWithin, type Selection } from './lifecycle-row.js';

const readConsent = readerOf([ConsentGiven, ConsentRenewed, ConsentWithdrawn, ConsentExpired, ConsentRefused]);
const readTemplate = readerOf([TemplateEnrolled, TemplateErasureBegun, TemplateErased]);
const readMatch = readerOf([MatchDecided]);
const readSearch = readerOf([IdentificationDecided]);

/** Folds a log into counts and latencies. What it remembers grows with the templates being erased and the refusals, not with the log. */
export class Summary {
  private readonly facts: Record<string, number> = {};
  private readonly matches: Record<Decision, number> = { accept: 0, reject: 0, inconclusive: 0, unavailable: 0 };
  private readonly searches = { count: 0, named: 0 };
  private readonly templates = { living: 0, erasing: 0, erased: 0 };
  private readonly withdrawals = new Map<string, number>();
  /** Templates on their way out after a withdrawal, and when that was. */
  private readonly leaving = new Map<string, number>();
  private readonly refused = new Map<string, boolean>();
  private refusalCount = 0;
  private readonly toBlock = createHistogram();
  private readonly toErasure = createHistogram();

  constructor(private readonly selection: Selection) {}

  add(event: StoredEvent): void {
    const match = readMatch(event);
    const search = readSearch(event);
    const fact = match ?? search ?? readConsent(event) ?? readTemplate(event);
    if (!fact || (this.selection.purposeId && fact.data.purposeId !== this.selection.purposeId)) return;
    const counts = isWithin(this.selection, event.at);
    if (match) {
      if (counts) this.matches[match.data.decision] += 1;
      return;
    }
    if (search) {
      if (counts) this.searches.count += 1;
      if (counts && search.data.candidates.length > 0) this.searches.named += 1;
      return;
    }
    if (counts) this.facts[event.type] = (this.facts[event.type] ?? 0) + 1;
    this.follow(event, counts);
  }

  figures() {
    const consentedLater = [...this.refused.values()].filter(Boolean).length;
    const facts = Object.fromEntries(Object.entries(this.facts).sort(([a], [b]) => (a < b ? -1 : 1)));
    const latencies = { withdrawalToBlock: figuresOf(this.toBlock), withdrawalToErasure: figuresOf(this.toErasure) };
    const refusals = { count: this.refusalCount, consentedLater };
    return {
      facts,
      matches: this.matches,
      searches: { ...this.searches },
      latencies,
      refusals,
      templates: { ...this.templates },
    };
  }

  private follow(event: StoredEvent, counts: boolean): void {
    const atMs = Date.parse(event.at);
    const consent = readConsent(event);
    if (consent) {
      const place = `${consent.data.subjectId} ${consent.data.purposeId}`;
      if (consent.type === 'consent.withdrawn') this.withdrawals.set(place, atMs);
      else if (consent.type === 'consent.refused') {
        this.refused.set(place, false);
        if (counts) this.refusalCount += 1;
      } else if (consent.type !== 'consent.expired') {
        this.withdrawals.delete(place);
        if (this.refused.has(place)) this.refused.set(place, true);
      }
      return;
    }
    const template = readTemplate(event);
    if (template) this.followTemplate(template, atMs, counts);
  }

  private followTemplate(
    { type, data }: NonNullable<ReturnType<typeof readTemplate>>,
    atMs: number,
    counts: boolean,
  ): void {
    if (type === 'template.enrolled') {
      this.templates.living += 1;
      return;
    }
    if (type === 'template.erasure-begun') {
      this.templates.living -= 1;
      this.templates.erasing += 1;
      const withdrawnAtMs = this.withdrawals.get(`${data.subjectId} ${data.purposeId}`);
      if (data.trigger !== 'consent-withdrawn' || withdrawnAtMs === undefined) return;
      this.leaving.set(data.templateId, withdrawnAtMs);
      // An upper bound: the withdrawal alone stops every match (P2), and the template says so a little later.
      if (counts) record(this.toBlock, atMs - withdrawnAtMs);
      return;
    }
    this.templates.erasing -= 1;
    this.templates.erased += 1;
    const withdrawnAtMs = this.leaving.get(data.templateId);
    this.leaving.delete(data.templateId);
    if (withdrawnAtMs === undefined || !counts) return;
    record(this.toErasure, atMs - withdrawnAtMs);
  }
}

type Histogram = ReturnType<typeof createHistogram>;

/** A histogram counts from 1 on; a clock may have jumped back in between. */
const record = (histogram: Histogram, ms: number) => histogram.record(Math.max(0, Math.round(ms)) + 1);

const figuresOf = (histogram: Histogram) => {
  const { count } = histogram;
  if (count === 0) return { count, medianMs: null, p99Ms: null, maxMs: null };
  const [medianMs, p99Ms] = [histogram.percentile(50) - 1, histogram.percentile(99) - 1];
  return { count, medianMs, p99Ms, maxMs: histogram.max - 1 };
};
