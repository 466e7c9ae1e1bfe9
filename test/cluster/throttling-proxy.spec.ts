import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { chance } from '../support/chance.js';
import { ThrottlingProxy } from './throttling-proxy.js';

describe('a proxy that throttles', () => {
  let kms: Server;
  let proxy: ThrottlingProxy;
  beforeAll(async () => {
    kms = createServer((asked, answer) => void text(asked).then((said) => answer.end(`heard ${said}`)));
    kms.listen(0, '127.0.0.1');
    await once(kms, 'listening');
    proxy = await ThrottlingProxy.before(`http://127.0.0.1:${(kms.address() as AddressInfo).port}`, chance(1));
  });
  afterAll(() => {
    proxy.close();
    kms.close();
    kms.closeAllConnections();
  });

  const ask = async () => {
    const answer = await fetch(proxy.url, { method: 'POST', body: 'hello' });
    return `${answer.status} ${await answer.text()}`;
  };

  it('lets everybody through, a share or nobody, and says so as AWS does', async () => {
    expect(await ask()).toBe('200 heard hello');
    proxy.share = 1;
    expect(await ask()).toMatch(/^400 .*"__type":"ThrottlingException"/);
    proxy.share = 0.5;
    const answers = await Promise.all(Array.from({ length: 40 }, ask));
    const passed = answers.filter((answer) => answer.startsWith('200'));
    expect(passed.length).toBeGreaterThan(5);
    expect(passed.length).toBeLessThan(35);
    expect(proxy.turnedAway).toBe(1 + answers.length - passed.length);
  });

  it('breaks the connection where there is no server behind it', async () => {
    proxy.share = 0;
    kms.close();
    kms.closeAllConnections();
    await expect(ask()).rejects.toMatchObject({ cause: { code: 'UND_ERR_SOCKET' } });
  });
});
