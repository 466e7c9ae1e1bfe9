import { join } from 'node:path';
import { historyContract } from '#lib/core/contracts';
import { TemplateStream } from './template.stream.js';
import { TemplateIdStream } from './template-id.stream.js';

historyContract(join(import.meta.dirname, 'events'), [...TemplateStream.events, ...TemplateIdStream.events]);
