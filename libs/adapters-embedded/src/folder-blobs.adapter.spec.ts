import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blobsContract } from '#lib/ports/contracts';
import { FolderBlobs } from './folder-blobs.adapter.js';
import { SystemRandom } from './system-random.adapter.js';

blobsContract(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'blobs-'));
  const blobs = new FolderBlobs(join(folder, 'blobs'), new SystemRandom());
  return { blobs, close: async () => rmSync(folder, { recursive: true }) };
});
