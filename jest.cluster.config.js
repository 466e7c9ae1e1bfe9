import embedded from './jest.config.js';

/** Over real servers: the adapters of the cluster family, what breaks them, and every spec that knows no family. */
/** @type {import('jest').Config} */
export default {
  ...embedded,
  testRegex: '(libs/adapters-cluster/src|test/(cluster|contract|e2e|sim))/.*\\.spec\\.ts$|/test/tour\\.spec\\.ts$',
  testPathIgnorePatterns: ['/node_modules/'],
  globalSetup: '<rootDir>/test/cluster/services.setup.mjs',
  globalTeardown: '<rootDir>/test/cluster/services.teardown.mjs',
  reporters: ['default', ['<rootDir>/infra/results.mjs', { family: 'cluster' }]],
  // One after another: servers, their processes and the spec take two cores already, and some count seconds.
  maxWorkers: 1,
  workerIdleMemoryLimit: '1GB',
  // What a spec that failed half-way leaves open is no reason to wait.
  forceExit: true,
  testTimeout: 60_000,
};
