import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { family } from '../support/family.js';
import { run } from '../support/process.js';

describe('a server that cannot start', () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'lethe-start-')), 'data');
  const start = (env: NodeJS.ProcessEnv) => run('api', { DATA_FOLDER: folder, PORT: '0', ...env });
  afterAll(() => family.remove(folder));

  it.each([
    ['PORT', 'many'],
    ['PORT', '99999'],
    ['PUBLIC_URL', 'here'],
  ])('because of %s=%s says so in a line', async (name, value) => {
    const { code, complained } = await start({ [name]: value });
    expect(code).toBe(1);
    expect(complained).toMatch(
      new RegExp(`^${name} cannot be used \\(.+\\): correct this setting, or leave it out\n$`),
    );
  });

  it('because others listen there already says so in a line', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, complained } = await start({ PORT: String(port) });
    other.close();
    expect({ code, complained }).toEqual({
      code: 1,
      complained: `127.0.0.1:${port} is in use by another program: stop that one, or set PORT to another port\n`,
    });
  });

  it('because the address is of another machine says so in a line', async () => {
    const { code, complained } = await start({ HOST: '203.0.113.7' });
    expect(code).toBe(1);
    expect(complained).toMatch(
      /^HOST and PORT cannot be listened on \(.+\): set them to an address of this machine .+\n$/,
    );
  });
});
