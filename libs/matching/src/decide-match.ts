import { type Consent, type Consents, continues } from '#lib/consent/contract';
import { bandOf, decisionOf } from '#lib/matcher';
import type { ModelIdentity, ThresholdCardTerms } from '#lib/policy/contract';
import type { Template } from '#lib/templates/contract';
import type { Band, Decision } from './match.stream.js';

/** What came of comparing a probe with one template. */
export interface Comparison {
  readonly template: Template;
  /** Cosine similarity; undefined when the template could not be read. */
  readonly score: number | undefined;
}

export interface Outcome {
  readonly decision: Decision;
  readonly band?: Band;
  readonly reasons: string[];
  /** The template that was closest; undefined when none could be read. */
  readonly template?: Template;
}

/** Which templates a probe may be compared with: active, of this model, enrolled under the consent that stands or one it renewed. */
export function comparable(
  templates: readonly Template[],
  consents: Consents,
  standing: Consent,
  { id, version }: ModelIdentity,
): Template[] {
  return templates.filter(
    ({ state, terms }) =>
      state === 'active' &&
      terms.model.id === id &&
      terms.model.version === version &&
      continues(consents, terms.consentId, standing),
  );
}

/** The closest template decides. A template that cannot be read may have been the closest: then only an accept counts. */
export function decideMatch(comparisons: readonly Comparison[], card: ThresholdCardTerms): Outcome {
  let closest: { readonly template: Template; readonly score: number } | undefined;
  for (const { template, score } of comparisons) {
    if (score !== undefined && (!closest || score > closest.score)) closest = { template, score };
  }
  const isWhole = comparisons.every(({ score }) => score !== undefined);
  const decision = closest && decisionOf(closest.score, card);
  if (!closest || !decision || (decision !== 'accept' && !isWhole)) {
    return { decision: 'unavailable', reasons: ['template-unreadable'] };
  }
  const reasons = { accept: 'above-accept', inconclusive: 'between-thresholds', reject: 'below-review' } as const;
  return { decision, band: bandOf(closest.score, card), reasons: [reasons[decision]], template: closest.template };
}
