import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { complaintOf } from './complaint.js';
import { EmbeddedEnvironment, readEnvironment } from './environment.js';

const Told = z.object({
  NAME: z.string().max(10),
  COUNT: z.coerce.number().max(9).default(3),
  PASSWORD: z.string().max(10).meta({ secret: true }),
});

describe('readEnvironment', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lethe-'));
    file = join(folder, 'password');
    writeFileSync(file, 'from-file\n');
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const complaintAbout = (environment: NodeJS.ProcessEnv) => {
    try {
      return readEnvironment(Told, environment);
    } catch (error) {
      return complaintOf(error);
    }
  };

  it('takes what it knows, and counts what is empty for what is not there', () => {
    expect(readEnvironment(Told, { NAME: 'here', COUNT: '', PASSWORD: 'secret', OTHER: 'x' })).toEqual({
      NAME: 'here',
      COUNT: 3,
      PASSWORD: 'secret',
    });
    expect(readEnvironment(EmbeddedEnvironment, {})).toEqual({
      HOST: '127.0.0.1',
      PORT: 3000,
      SWEEP_SECONDS: 60,
      DATA_FOLDER: 'var',
      GALLERY_MEMORY_MB: 0,
    });
  });

  it('refuses an empty place of data, which the default is not', () => {
    for (const name of ['DATA_FOLDER', 'ROOT_KEY_FILE']) {
      expect(() => readEnvironment(EmbeddedEnvironment, { [name]: '' })).toThrow(name);
    }
  });

  it('takes a secret from a file, and nothing else', () => {
    expect(readEnvironment(Told, { NAME: 'here', PASSWORD_FILE: file }).PASSWORD).toBe('from-file');
    expect(complaintAbout({ NAME_FILE: file, PASSWORD: 'secret' })).toBe(
      'NAME is not set: set it, as docs/configuration.md says',
    );
  });

  it('complains of everything at once, and shows no value', () => {
    const told = complaintAbout({ COUNT: '77', PASSWORD: 'secret', PASSWORD_FILE: file });
    expect(told).toBe(
      [
        'PASSWORD cannot be used (it is given twice, by PASSWORD and by PASSWORD_FILE: leave one out): correct this setting, or leave it out',
        'NAME is not set: set it, as docs/configuration.md says',
        'COUNT cannot be used (Too big: expected number to be <=9): correct this setting, or leave it out',
      ].join('\n'),
    );
    const missing = complaintAbout({ NAME: 'here', PASSWORD_FILE: join(folder, 'none') });
    expect(missing).toBe(
      'PASSWORD_FILE cannot be used (it names a file that cannot be read: ENOENT): correct this setting, or leave it out',
    );
  });
});
