import { defineRefusals } from '#lib/core';

export const refusals = defineRefusals('idempotency', {
  'key-reused': ['invalid', 'The idempotency key was used for another request'],
  'in-use': ['conflict', 'The same request is being worked on'],
});
