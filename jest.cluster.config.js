import embedded from './jest.config.js';

/** Over real servers: the adapters of the cluster family, and what breaks them. */
/** @type {import('jest').Config} */
export default {
  ...embedded,
  testRegex: '(libs/adapters-cluster|test/cluster)/.*\\.spec\\.ts$',
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 60_000,
};
