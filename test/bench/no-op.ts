import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answer } from './answer.js';

// The least there is on node:http: the body is read and thrown away, a constant answered.
const text = JSON.stringify(answer);

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end(text);
  });
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
process.on('SIGTERM', () => process.exit(0));
