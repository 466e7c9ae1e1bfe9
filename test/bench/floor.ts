import fastify from 'fastify';

// The least there is: a route that reads a vector as bytes and answers a constant of the size of our answer.
const answer = {
  matchId: '3f0f2f6a-4d0e-4a0a-9a51-1f6b7c1d2e01',
  decision: 'accept',
  band: 'strong',
  reasons: ['above-accept'],
  consentId: '0d5c2a9e-6b1f-4c7e-8f57-2f6f0f5f9a11',
  alternatives: ['id-card', 'social-security-card'],
};

const server = fastify();
server.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => {
  done(null, body);
});
server.post('/v1/matches/verify', async (request) => {
  if ((request.body as Buffer).length === 0) throw new Error('no vector');
  return answer;
});
console.log(await server.listen({ port: 0, host: '127.0.0.1' }));
process.on('SIGTERM', () => process.exit(0));
