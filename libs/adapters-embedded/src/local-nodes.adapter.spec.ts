import { nodesContract } from '#lib/ports/contracts';
import { LocalNodes } from './local-nodes.adapter.js';
import { SystemClock } from './system-clock.adapter.js';

nodesContract(async () => ({ nodes: new LocalNodes(new SystemClock()), close: async () => undefined }));
