import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Call, Client } from './client.js';
import { answeredMs, beganMs, type Kind, type Operation } from './history.js';
import { faceNumber, type Ward } from './ward.js';

/** Few for one person; that many persons at once are what makes a crowd. */
const lanes = 4;
const patienceMs = 60_000;
const retryAfterMs = 1_000;

/** How often a face is compared, and an answer comes, before its consent is withdrawn and after that was acknowledged; at least. */
export interface UnderFire {
  readonly before: number;
  readonly after: number;
}

/** Comparisons that were answered: how many accepted, and those that began once the withdrawal had been acknowledged. */
export interface Withdrawn {
  readonly accepted: number;
  readonly later: readonly Operation[];
}

/**
 * One patient who consents and is enrolled; whose face is then compared by four callers at once, at every server; who
 * withdraws in the midst of it, at one of them, while the comparisons go on. Everything goes into the history.
 */
export async function withdrawUnderFire(
  client: Client,
  ward: Ward,
  history: Operation[],
  { before, after }: UnderFire,
): Promise<Withdrawn> {
  const [subjectId, consentId, templateId] = [randomUUID(), randomUUID(), randomUUID()];
  const face = faceNumber(history.length + 1);
  const perform = async (kind: Kind, id: string, call: Call, isRepeatable = true) => {
    const operation: Operation = { kind, subjectId, id, attempts: [] };
    history.push(operation);
    await client.perform(operation, call, { patienceMs: isRepeatable ? patienceMs : 0 });
    return operation;
  };
  await perform('register', subjectId, ward.registration(subjectId));
  await perform('consent', consentId, ward.agreement(subjectId, consentId));
  await perform('enrol', templateId, ward.enrolment(subjectId, templateId, face));

  const matches: Operation[] = [];
  let blockedMs = Number.POSITIVE_INFINITY;
  let late = 0;
  const lane = async () => {
    while (late < after) {
      const match = await perform('verify', randomUUID(), ward.verification(subjectId, face), false);
      matches.push(match);
      // Where a busy machine had none compared in time, nothing was tried: a caller comes again when it was told to.
      if (!match.answer) await pause(retryAfterMs);
      else if (beganMs(match) > blockedMs) late += 1;
    }
  };
  const withdraw = async () => {
    while (matches.filter(({ answer }) => answer).length < before) await pause(5);
    blockedMs = answeredMs(await perform('withdraw', consentId, ward.withdrawal(consentId)));
  };
  await Promise.all([withdraw(), ...Array.from({ length: lanes }, lane)]);
  return {
    accepted: matches.filter(({ answer }) => answer?.body.decision === 'accept').length,
    later: matches.filter((match) => match.answer && beganMs(match) > blockedMs),
  };
}
