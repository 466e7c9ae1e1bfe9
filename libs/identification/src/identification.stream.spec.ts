import { join } from 'node:path';
import { historyContract } from '#lib/core/contracts';
import { IdentificationStream } from './identification.stream.js';

historyContract(join(import.meta.dirname, 'events'), IdentificationStream.events);
