export { type Identification, IdentificationDecided } from './identification.stream.js';
