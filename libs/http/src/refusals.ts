import { defineRefusals } from '#lib/core';

export const refusals = defineRefusals('http', {
  'not-ready': ['unavailable', 'Something that a promise needs is down'],
});
