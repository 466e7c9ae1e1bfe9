import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepNew } from './kept-key.js';

describe('keepNew', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lethe-'));
    file = join(folder, 'admin.key');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('keeps what was proposed first, for its owner only, and leaves nothing beside it', () => {
    expect([keepNew(file, 'first'), keepNew(file, 'second')]).toEqual(['first', 'first']);
    expect(readFileSync(file, 'utf8')).toBe('first');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['admin.key']);
  });

  it('says so where nothing can be kept', () => {
    expect(() => keepNew(join(folder, 'nowhere', 'admin.key'), 'first')).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
  });
});
