export { teardown as default } from './services.setup.mjs';
