import { setTimeout as pause } from 'node:timers/promises';
import { say } from './table.mjs';

const erasureTimeoutMs = 60_000;
const pollMs = 20;

/**
 * Lets a patient withdraw, tries at once to match, and follows the erasure to its end.
 *
 * Answers what did not hold that must: an accept after the withdrawal, no way left but the face, no end of the erasure.
 */
export async function withdrawAndWatch(patient, probe) {
  const before = await patient.verify(probe.descriptor);
  say(`before: patient ${patient.name} is verified by face: ${before.body.decision}`);

  const withdrawal = await patient.withdraw();
  const answeredAt = performance.now();
  const { status, body } = await patient.verify(probe.descriptor);
  const triedMs = (performance.now() - answeredAt).toFixed(0);
  say(`withdrawn by the patient, blocked at ${withdrawal.blockedAt}`);
  say(
    `the same face, sent at once, answered ${triedMs} ms after the withdrawal was: ${status} ${body.type ?? body.decision}`,
  );
  say(`because: ${body.reason}`);
  say(`offered instead: ${body.alternatives?.join(', ')}`);

  const broken = [];
  if (status !== 403) broken.push(`a match answered ${status} after the withdrawal`);
  if (!body.alternatives?.length || body.alternatives.includes('face')) broken.push('no other method was offered');
  if (!withdrawal.erasures.includes(patient.templateId)) broken.push('the withdrawal does not erase the template');
  return [...broken, ...(await watchErasure(patient))];
}

/** Prints each step of an erasure as it is recorded, with the time since the block. */
async function watchErasure(patient) {
  const deadline = performance.now() + erasureTimeoutMs;
  let shown = 0;
  while (performance.now() < deadline) {
    const { state, steps, blockedAt, erasedAt } = await patient.erasure();
    const since = (at) => `${String(Date.parse(at) - Date.parse(blockedAt)).padStart(6)} ms`;
    for (const { step, store, at, outcome } of steps.slice(shown)) say(`${since(at)}  ${step} ${store}: ${outcome}`);
    shown = steps.length;
    if (state === 'erased') {
      say(`${since(erasedAt ?? steps.at(-1).at)}  erased, ${shown} steps`);
      return shown > 0 ? [] : ['the erasure shows no steps'];
    }
    await pause(pollMs);
  }
  return [`the erasure did not end within ${erasureTimeoutMs / 1_000} s`];
}
