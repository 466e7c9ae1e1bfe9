import { join } from 'node:path';
import { historyContract } from '#lib/core/contracts';
import { KeyStream } from './key.stream.js';
import { LinkStream } from './link.stream.js';
import { TenantStream } from './tenant.stream.js';

const events = [...KeyStream.events, ...LinkStream.events, ...TenantStream.events];
historyContract(join(import.meta.dirname, 'events'), events);
