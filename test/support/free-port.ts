import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems give to connections that go out: none of those takes the port of a process that died. */
const [from, below] = [10_000, 32_000];

/** A port of this machine that nobody listens on, for a process that keeps it through its deaths. */
export async function freePort(): Promise<number> {
  const server = createServer();
  for (;;) {
    const port = from + Math.floor(Math.random() * (below - from));
    server.listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
