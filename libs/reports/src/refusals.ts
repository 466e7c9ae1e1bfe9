import { defineRefusals } from '#lib/core';

export const refusals = defineRefusals('reports', {
  'position-ahead': ['invalid', 'The log has not come to that position'],
});
