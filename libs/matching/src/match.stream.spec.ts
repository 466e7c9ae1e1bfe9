import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateOf } from '#lib/core';
import { historyContract } from '#lib/core/contracts';
import { MatchDecided, MatchStream, matchKey, matchKeysBetween } from './match.stream.js';

const events = join(import.meta.dirname, 'events');
historyContract(events, MatchStream.events);

const sample = JSON.parse(readFileSync(join(events, 'matching.decided.v1.json'), 'utf8'));
const at = (day: number) => `2026-05-${String(day).padStart(2, '0')}T00:00:00.000Z`;

describe('the matches of a month', () => {
  it('tell when each purpose last accepted', () => {
    const state = stateOf(MatchStream, [
      { ...MatchDecided(sample), at: at(1) },
      { ...MatchDecided({ ...sample, purposeId: 'pharmacy' }), at: at(2) },
      { ...MatchDecided({ ...sample, decision: 'reject' }), at: at(3) },
    ]);
    expect(state.acceptedAt).toEqual({ registration: at(1), pharmacy: at(2) });
  });

  it('remember the last few, however many there were', () => {
    const many = Array.from({ length: 100 }, (_, n) => ({
      ...MatchDecided({ ...sample, matchId: sample.matchId.replace(/..$/, String(n).padStart(2, '0')) }),
      at: at(1),
    }));
    const { last } = stateOf(MatchStream, many);
    expect(last).toHaveLength(32);
    expect(last.at(-1)?.matchId.slice(-2)).toBe('99');
  });

  it('are named by the month in UTC', () => {
    expect(matchKey('s', new Date('2026-05-31T23:59:59.999Z'))).toBe('s-2026-05');
    expect(matchKey('s', new Date('2026-06-01T00:00:00Z'))).toBe('s-2026-06');
  });

  it.each([
    ['2026-05-20', '2026-05-03', ['2026-05']],
    ['2025-11-30', '2026-02-01', ['2026-02', '2026-01', '2025-12', '2025-11']],
    ['2026-06-01', '2026-05-31', ['2026-05']],
  ])('between %s and %s are those of %j, newest first', (from, to, months) => {
    const keys = matchKeysBetween('s', new Date(`${from}T12:00:00Z`), new Date(`${to}T12:00:00Z`));
    expect(keys).toEqual(months.map((month) => `s-${month}`));
  });

  it('are bounded, whatever the clock says', () => {
    expect(matchKeysBetween('s', new Date(0), new Date('2026-06-01T00:00:00Z'))).toHaveLength(121);
  });
});
