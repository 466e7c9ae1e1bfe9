import { Injectable } from '@nestjs/common';
import { Refusal } from '#lib/core';
import type { Figure } from '#lib/ports';

/** What became of the searches of this process: whoever goes through a crowd shows in it, and whoever is kept from it. */
@Injectable()
export class Outcomes {
  readonly figure: Figure = {
    name: 'lethe_identifications_total',
    help: 'Searches for a person among many, by what became of them',
    kind: 'counter',
    label: 'outcome',
    read: () => this.counts,
  };
  private readonly counts = new Map(
    ['found', 'none', 'not-permitted', 'over-budget', 'over-cap', 'over-quota', 'unavailable', 'invalid'].map(
      (outcome) => [outcome, 0],
    ),
  );

  /** Runs a search, and counts it by how many candidates it answers, or by why it does not. */
  async count<T extends { readonly candidates: readonly unknown[] }>(search: Promise<T>): Promise<T> {
    try {
      const answer = await search;
      this.add(answer.candidates.length > 0 ? 'found' : 'none');
      return answer;
    } catch (error) {
      this.add(outcomeOf(error));
      throw error;
    }
  }

  private add(outcome: string): void {
    this.counts.set(outcome, (this.counts.get(outcome) ?? 0) + 1);
  }
}

function outcomeOf(error: unknown): string {
  if (!(error instanceof Refusal)) return 'unavailable';
  const { code, kind } = error;
  const reason = code.slice(code.indexOf('.') + 1);
  if (['over-budget', 'over-cap', 'over-quota'].includes(reason)) return reason;
  if (kind === 'forbidden') return 'not-permitted';
  return kind === 'unavailable' ? 'unavailable' : 'invalid';
}
