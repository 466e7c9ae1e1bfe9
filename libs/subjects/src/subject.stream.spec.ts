import { join } from 'node:path';
import { historyContract } from '#lib/core/contracts';
import { SubjectStream } from './subject.stream.js';

historyContract(join(import.meta.dirname, 'events'), SubjectStream.events);
