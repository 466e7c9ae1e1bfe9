#!/usr/bin/env node
// Walks the main job over HTTP with exact bodies: the HTTP contract, executable. Needs Node 20 or later, nothing else.
//   node walk.mjs BASE ADMIN_KEY
// Prints a line for every step and 'N passed, M failed' last; exits 1 when a step failed. It leaves a tenant of its own behind.
import { createHash, randomUUID } from 'node:crypto';
import { argv, exit } from 'node:process';

const [base = 'http://127.0.0.1:3000', adminKey = ''] = argv.slice(2);
const tenant = `walk-${randomUUID().slice(0, 8)}`;

const seen = {};
let passed = 0;
let failed = 0;
async function step(name, act) {
  try {
    const note = await act();
    passed += 1;
    console.log(`ok    ${name}${note ? ` (${note})` : ''}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}: ${error.message}`);
  }
}
const must = (holds, what) => {
  if (!holds) throw new Error(what);
};

/** Calls and answers { status, body, headers, text }. `body` may be an object (JSON) or a Buffer (octet-stream). */
async function call(method, path, { key, body, headers = {} } = {}) {
  const isBytes = Buffer.isBuffer(body);
  const type = isBytes ? 'application/octet-stream' : 'application/json';
  const response = await fetch(base + path, {
    method,
    headers: {
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...(body === undefined ? {} : { 'content-type': type }),
      ...headers,
    },
    body: body === undefined ? undefined : isBytes ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
  seen.position = response.headers.get('lethe-position') ?? seen.position;
  const text = await response.text();
  let json;
  try {
    json = JSON.parse(text);
  } catch {}
  return { status: response.status, body: json, headers: response.headers, text };
}

/** Like call, but demands one of the statuses, and problem details on 4xx and 5xx. */
async function expect(statuses, method, path, options) {
  const answer = await call(method, path, options);
  const wanted = [statuses].flat();
  must(
    wanted.includes(answer.status),
    `${method} ${path}: ${answer.status}, expected ${wanted}: ${answer.text.slice(0, 300)}`,
  );
  if (answer.status >= 400) {
    const type = answer.headers.get('content-type') ?? '';
    must(type.startsWith('application/problem+json'), `${method} ${path}: ${type} in place of problem details`);
    must(
      /^urn:lethe:problem:[a-z-]+\.[a-z-]+$/.test(answer.body?.type ?? ''),
      `${method} ${path}: problem type ${answer.body?.type}`,
    );
    must(
      answer.body.status === answer.status,
      `${method} ${path}: status ${answer.body.status} inside a ${answer.status}`,
    );
  }
  return answer;
}
const caughtUp = () => ({ 'lethe-position': seen.position });
const idempotent = () => ({ 'idempotency-key': randomUUID() });

// Seeded embeddings: unit vectors; `near` keeps about the given cosine.
function random(seed) {
  let a = seed >>> 0;
  const uniform = () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
const unit = (v) => {
  const norm = Math.hypot(...v);
  return v.map((x) => x / norm);
};
const face = (seed, dim = 512) => {
  const gauss = random(seed);
  return unit(Array.from({ length: dim }, gauss));
};
const near = (v, cosine, seed) => {
  const other = face(seed, v.length);
  const dot = v.reduce((sum, x, i) => sum + x * other[i], 0);
  const across = unit(other.map((x, i) => x - dot * v[i]));
  const sine = Math.sqrt(1 - cosine * cosine);
  return v.map((x, i) => cosine * x + sine * across[i]);
};
const bytes = (v) => Buffer.from(Float32Array.from(v).buffer);
const embedding = (v) => ({ encoding: 'f32le-base64', dim: v.length, data: bytes(v).toString('base64') });

const model = { id: 'synthetic', version: '1' };
const ids = { subject: randomUUID(), consent: randomUUID(), template: randomUUID() };
const keys = {};
const alice = face(1);
const mallory = face(2);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const consentBody = (over = {}) => ({
  subjectId: ids.subject,
  purposeId: 'registration',
  noticeId: 'registration-notice',
  noticeVersion: seen.notice?.version,
  noticeHash: seen.notice?.hash,
  locale: 'zh-CN',
  channel: 'counter-3',
  act: { kind: 'signature', evidence: 'signed form 2026-11-0042' },
  validUntil: new Date(Date.now() + 300 * 86_400_000).toISOString(),
  ...over,
});
const templateBody = (v, over = {}) => ({
  subjectId: ids.subject,
  purposeId: 'registration',
  model,
  embedding: embedding(v),
  quality: 0.93,
  capturedAt: new Date().toISOString(),
  deviceId: 'kiosk-1',
  ...over,
});
const verifyBody = (v, over = {}) => ({
  subjectId: ids.subject,
  purposeId: 'registration',
  model,
  embedding: embedding(v),
  ...over,
});
const verify = (statuses, v, over) =>
  expect(statuses, 'POST', '/v1/matches/verify', {
    key: keys.backend,
    body: verifyBody(v, over),
    headers: idempotent(),
  });

async function erased(templateId) {
  for (let n = 0; n < 100; n += 1) {
    const { body } = await expect(200, 'GET', `/v1/erasures/${templateId}`, { key: keys.backend });
    if (body.state === 'erased') return body;
    await pause(100);
  }
  throw new Error(`template ${templateId} is not erased after 10 s`);
}

await step('is ready', () => expect(200, 'GET', '/readyz').then(() => ''));

await step('a tenant is made once', async () => {
  const body = {
    name: 'First Hospital',
    controller: {
      name: 'First Hospital',
      address: '1 Zhongshan Road, Guangzhou',
      contact: 'privacy@hospital.example',
      dpoContact: 'dpo@hospital.example',
    },
    pack: 'CN-patient',
  };
  await expect(201, 'PUT', `/v1/tenants/${tenant}`, { key: adminKey, body });
  await expect(200, 'PUT', `/v1/tenants/${tenant}`, { key: adminKey, body });
  await expect(409, 'PUT', `/v1/tenants/${tenant}`, { key: adminKey, body: { ...body, name: 'Second Hospital' } });
});

await step('keys are issued by role', async () => {
  for (const [label, role] of Object.entries({
    backend: 'backend',
    registrar: 'registrar',
    dpo: 'dpo',
    dpo2: 'dpo',
    auditor: 'auditor',
  })) {
    const { body } = await expect(201, 'POST', `/v1/tenants/${tenant}/keys`, {
      key: adminKey,
      body: { role, label },
      headers: idempotent(),
    });
    must(typeof body.key === 'string' && body.key.length >= 32, `key of ${label} is too short`);
    keys[label] = body.key;
  }
});

await step('strangers are 401, a wrong role is 403', async () => {
  await expect(401, 'GET', `/v1/consents?subjectId=${ids.subject}`);
  await expect(401, 'GET', `/v1/consents?subjectId=${ids.subject}`, { key: `${keys.backend}x` });
  await expect(403, 'PUT', '/v1/purposes/registration', { key: keys.backend, body: {} });
  await expect(403, 'PUT', `/v1/tenants/${tenant}-x`, { key: keys.dpo, body: {} });
});

const notice = {
  locale: 'zh-CN',
  title: '人脸识别挂号告知书',
  handler: '第一医院',
  contact: 'privacy@hospital.example',
  purpose: '门诊挂号时核验本人身份',
  method: '在院内设备上比对人脸特征',
  retention: '撤回同意或最后一次就诊后 180 天内删除',
  necessity: '用于防止冒名就医，也可使用身份证或社保卡',
  rightsImpact: '不同意不影响就医',
  howToExercise: '可在任一窗口或患者页面撤回',
  recipients: [],
  body: '完整告知内容。',
  material: true,
};
await step('a notice has versions and a hash', async () => {
  const { body } = await expect(201, 'PUT', '/v1/notices/registration-notice', { key: keys.dpo, body: notice });
  must(body.version === 1 && /^[0-9a-f]{64}$/.test(body.hash), `notice answered ${JSON.stringify(body)}`);
  const again = await expect(200, 'PUT', '/v1/notices/registration-notice', { key: keys.dpo, body: notice });
  must(again.body.hash === body.hash, 'the repeat has another hash');
  await expect(422, 'PUT', '/v1/notices/other-notice', { key: keys.dpo, body: { ...notice, retention: '' } });
  await expect(409, 'PUT', '/v1/notices/registration-notice', { key: keys.dpo, body: { ...notice, title: 'other' } });
  seen.notice = body;
});

const card = {
  model: { ...model, dim: 512 },
  metric: 'cosine',
  accept: 0.5,
  review: 0.4,
  fmr: 0.00001,
  interval: { low: 0, high: 0.0001 },
  dataset: 'synthetic identities, 2026-11',
};
await step('a threshold card and a purpose are defined', async () => {
  await expect(201, 'PUT', '/v1/threshold-cards/synthetic-1', { key: keys.dpo, body: card });
  await expect(422, 'PUT', '/v1/threshold-cards/synthetic-2', { key: keys.dpo, body: { ...card, review: 0.6 } });
  await expect(201, 'PUT', '/v1/purposes/registration', {
    key: keys.dpo,
    body: {
      title: 'Identity at outpatient registration',
      operations: ['verify'],
      legalBasis: 'consent',
      necessity: {
        statement: 'Impostors register under other names.',
        lessIntrusive: 'Cards are offered first; face is a choice.',
      },
      noticeId: 'registration-notice',
      retention: { maxDays: 365, inactivityDays: 180 },
      consentMaxDays: 365,
      modes: ['central'],
      thresholdCardId: 'synthetic-1',
    },
  });
});

const activate = (statuses) =>
  expect(statuses, 'POST', '/v1/purposes/registration/activation', { key: keys.dpo, body: {}, headers: idempotent() });
await step('an assessment is approved by someone else', async () => {
  const body = {
    lawfulness: 'Separate consent, one purpose.',
    rightsImpact: 'Refusal costs nothing.',
    risks: 'Leak, false accept, exclusion.',
    measures: 'Encryption, erasure, alternatives.',
    purposes: ['registration'],
    validUntil: new Date(Date.now() + 300 * 86_400_000).toISOString(),
  };
  const approve = (status, key) =>
    expect(status, 'POST', '/v1/assessments/registration-2026/approval', { key, body: {}, headers: idempotent() });
  await activate(403);
  await expect(201, 'PUT', '/v1/assessments/registration-2026', { key: keys.dpo, body });
  await approve(403, keys.dpo);
  await approve(200, keys.dpo2);
});

await step('a checkpoint needs another method than face', async () => {
  const body = {
    title: 'Outpatient desk',
    channel: 'counter',
    purposeId: 'registration',
    methods: [{ kind: 'face', enabled: true }],
  };
  await activate(403);
  await expect(422, 'PUT', '/v1/checkpoints/outpatient-desk', { key: keys.dpo, body });
  body.methods.push({ kind: 'id-card', enabled: true }, { kind: 'social-security-card', enabled: true });
  await expect(201, 'PUT', '/v1/checkpoints/outpatient-desk', { key: keys.dpo, body });
});

await step('a subject is found by its external reference, which is never shown', async () => {
  const externalRef = `MRN-${randomUUID()}`;
  const { text } = await expect(201, 'PUT', `/v1/subjects/${ids.subject}`, {
    key: keys.registrar,
    body: { externalRef, birthDate: '1980-02-29', kind: 'patient' },
  });
  must(!text.includes(externalRef), 'the answer shows the external reference');
  const { body } = await expect(200, 'POST', '/v1/subjects/lookup', { key: keys.backend, body: { externalRef } });
  must(body.subjectId === ids.subject, 'lookup found another subject');
  await expect(404, 'POST', '/v1/subjects/lookup', { key: keys.backend, body: { externalRef: `${externalRef}x` } });
});

await step('a purpose that is not active permits nothing', async () => {
  await expect(403, 'PUT', `/v1/templates/${ids.template}`, { key: keys.backend, body: templateBody(alice) });
  await activate(200);
});

await step('without consent no template and no match, but alternatives', async () => {
  await expect(403, 'PUT', `/v1/templates/${ids.template}`, { key: keys.backend, body: templateBody(alice) });
  const { body } = await verify(403, alice);
  must(body.type === 'urn:lethe:problem:matching.not-permitted', body.type);
  must(
    Array.isArray(body.alternatives) && body.alternatives.length > 0 && !body.alternatives.includes('face'),
    `alternatives ${body.alternatives}`,
  );
});

await step('a refusal is recorded and costs nothing', async () => {
  const body = {
    subjectId: ids.subject,
    purposeId: 'registration',
    checkpointId: 'outpatient-desk',
    channel: 'kiosk-1',
  };
  const answer = await expect(201, 'PUT', `/v1/consent-refusals/${randomUUID()}`, { key: keys.registrar, body });
  must(answer.body.alternatives.length > 0, JSON.stringify(answer.body));
});

await step('consent is given once', async () => {
  await expect([409, 422], 'PUT', `/v1/consents/${randomUUID()}`, {
    key: keys.registrar,
    body: consentBody({ noticeHash: '0'.repeat(64) }),
  });
  await expect(422, 'PUT', `/v1/consents/${randomUUID()}`, {
    key: keys.registrar,
    body: consentBody({ validUntil: '2020-01-01T00:00:00Z' }),
  });
  await expect(422, 'PUT', `/v1/consents/${randomUUID()}`, {
    key: keys.registrar,
    body: consentBody({ validUntil: new Date(Date.now() + 400 * 86_400_000).toISOString() }),
  });
  const body = consentBody();
  const first = await expect(201, 'PUT', `/v1/consents/${ids.consent}`, { key: keys.registrar, body });
  must(first.body.state === 'given' && first.body.consentId === ids.consent, JSON.stringify(first.body));
  must(/^\d+$/.test(first.headers.get('lethe-position') ?? ''), 'no Lethe-Position');
  await expect(200, 'PUT', `/v1/consents/${ids.consent}`, { key: keys.registrar, body });
  await expect(409, 'PUT', `/v1/consents/${ids.consent}`, {
    key: keys.registrar,
    body: { ...body, channel: 'counter-4' },
  });
  const read = await expect(200, 'GET', `/v1/consents/${ids.consent}`, { key: keys.backend });
  must(read.body.state === 'given' && Array.isArray(read.body.history), JSON.stringify(read.body).slice(0, 200));
});

await step('a template is enrolled and never shown', async () => {
  const body = templateBody(alice);
  const { text } = await expect(201, 'PUT', `/v1/templates/${ids.template}`, { key: keys.backend, body });
  must(!text.includes(body.embedding.data.slice(0, 40)), 'the answer shows the template');
  await expect(200, 'PUT', `/v1/templates/${ids.template}`, { key: keys.backend, body });
  const read = await expect(200, 'GET', `/v1/templates/${ids.template}`, { key: keys.backend });
  must(read.body.state === 'active' && read.body.dueAt, JSON.stringify(read.body).slice(0, 200));
});

await step('unusable embeddings are 422', async () => {
  const bad = {
    'another dimension': face(3, 128),
    zero: new Array(512).fill(0),
    'not a number': [Number.NaN, ...alice.slice(1)],
    infinite: [Number.POSITIVE_INFINITY, ...alice.slice(1)],
  };
  for (const [what, v] of Object.entries(bad)) {
    await verify(422, v).catch((error) => must(false, `${what}: ${error.message}`));
    await expect(422, 'PUT', `/v1/templates/${randomUUID()}`, { key: keys.backend, body: templateBody(v) });
  }
  await verify(422, alice, { model: { id: 'another', version: '1' } });
  await verify(422, alice, { embedding: { ...embedding(alice), dim: 511 } });
});

await step('the same face is accepted, another is not', async () => {
  const { body } = await verify(200, near(alice, 0.8, 11));
  must(body.decision === 'accept' && body.consentId === ids.consent && body.matchId && body.band, JSON.stringify(body));
  must(!/score/i.test(JSON.stringify(body)), 'the answer shows a score');
  must((await verify(200, mallory)).body.decision === 'reject', 'another face was not rejected');
  must(
    (await verify(200, near(alice, 0.45, 12))).body.decision === 'inconclusive',
    'a score between review and accept is not inconclusive',
  );
});

await step('the hot path takes bytes', async () => {
  const path = `/v1/matches/verify?subjectId=${ids.subject}&purposeId=registration&model=synthetic&modelVersion=1`;
  const { body } = await expect(200, 'POST', path, { key: keys.backend, body: bytes(near(alice, 0.8, 13)) });
  must(body.decision === 'accept', JSON.stringify(body));
  await expect(422, 'POST', path, { key: keys.backend, body: bytes(alice).subarray(0, 2040) });
  await expect(413, 'POST', path, { key: keys.backend, body: Buffer.alloc(4_000_000) });
});

await step('the patient sees and decides', async () => {
  const link = await expect(201, 'POST', `/v1/subjects/${ids.subject}/links`, {
    key: keys.registrar,
    body: { ttlMinutes: 10 },
    headers: idempotent(),
  });
  const session = await expect(201, 'POST', '/v1/me/session', { body: { code: link.body.code } });
  await expect([401, 404], 'POST', '/v1/me/session', { body: { code: link.body.code } });
  keys.patient = session.body.token;
  const consents = await expect(200, 'GET', '/v1/me/consents', { key: keys.patient, headers: caughtUp() });
  must(
    consents.body.items.some(({ consentId, state }) => consentId === ids.consent && state === 'given'),
    consents.text.slice(0, 300),
  );
  const matches = await expect(200, 'GET', '/v1/me/matches', { key: keys.patient, headers: caughtUp() });
  must(matches.body.items.length >= 3, `${matches.body.items.length} matches shown, at least 3 made`);
  await expect([403, 404], 'GET', `/v1/consents/${ids.consent}`, { key: keys.patient });
});

await step('withdrawal works at once and twice', async () => {
  const first = await expect(200, 'POST', `/v1/me/consents/${ids.consent}/withdrawal`, {
    key: keys.patient,
    body: { channel: 'self-service', reason: 'I changed my mind' },
    headers: idempotent(),
  });
  must(
    first.body.state === 'withdrawn' && first.body.blockedAt && first.body.erasures.includes(ids.template),
    JSON.stringify(first.body),
  );
  const { body } = await verify(403, near(alice, 0.8, 14));
  must(body.type === 'urn:lethe:problem:matching.not-permitted', body.type);
  const again = await expect(200, 'POST', `/v1/consents/${ids.consent}/withdrawal`, {
    key: keys.registrar,
    body: { channel: 'counter-3' },
    headers: idempotent(),
  });
  must(again.body.blockedAt === first.body.blockedAt, 'the second withdrawal moved blockedAt');
});

await step('the template is erased, step by step', async () => {
  const erasure = await erased(ids.template);
  must(
    erasure.steps.length >= 3 && erasure.steps.every(({ step: name, at, outcome }) => name && at && outcome),
    JSON.stringify(erasure),
  );
  must(
    (await expect(200, 'GET', `/v1/templates/${ids.template}`, { key: keys.backend })).body.state === 'erased',
    'the template is not shown as erased',
  );
  await expect([403, 409], 'PUT', `/v1/templates/${ids.template}`, { key: keys.backend, body: templateBody(alice) });
});

await step('a new consent begins anew; a template can be deleted alone', async () => {
  const consent = randomUUID();
  const template = randomUUID();
  await expect(201, 'PUT', `/v1/consents/${consent}`, { key: keys.registrar, body: consentBody() });
  await expect(201, 'PUT', `/v1/templates/${template}`, { key: keys.backend, body: templateBody(alice) });
  must((await verify(200, near(alice, 0.8, 15))).body.decision === 'accept', 'not accepted after a new consent');
  await expect(202, 'DELETE', `/v1/templates/${template}`, { key: keys.backend });
  const { body } = await verify(404, near(alice, 0.8, 16));
  must(body.type === 'urn:lethe:problem:matching.no-template' && body.alternatives.length > 0, JSON.stringify(body));
  await erased(template);
});

await step('the lifecycle report is the same at the same position', async () => {
  const at = seen.position;
  const read = (format) => expect(200, 'GET', `/v1/reports/lifecycle?format=${format}&at=${at}`, { key: keys.dpo });
  const [one, two, csv] = [await read('ndjson'), await read('ndjson'), await read('csv')];
  must(one.text === two.text, 'two reads differ');
  const rows = one.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const fact of [
    'consent.given',
    'consent.withdrawn',
    'template.enrolled',
    'template.erased',
    'consent.refused',
    'matches',
  ])
    must(
      rows.some((row) => row.fact === fact),
      `no row says ${fact}`,
    );
  must(csv.text.trim().split(/\r?\n/).length === rows.length + 1, 'CSV has other rows than NDJSON');
  const digest = one.headers.get('repr-digest');
  if (digest)
    must(digest === `sha-256=:${createHash('sha256').update(one.text).digest('base64')}:`, 'Repr-Digest does not fit');
  await expect(200, 'GET', '/v1/reports/summary', { key: keys.dpo });
  return `${rows.length} rows`;
});

await step('another tenant sees nothing', async () => {
  const other = `${tenant}-2`;
  const controller = { name: 'B', address: 'B', contact: 'b@b.example', dpoContact: 'b@b.example' };
  await expect(201, 'PUT', `/v1/tenants/${other}`, {
    key: adminKey,
    body: { name: 'B', controller, pack: 'CN-patient' },
  });
  const { body } = await expect(201, 'POST', `/v1/tenants/${other}/keys`, {
    key: adminKey,
    body: { role: 'backend', label: 'b' },
    headers: idempotent(),
  });
  for (const path of [`/v1/consents/${ids.consent}`, `/v1/templates/${ids.template}`, `/v1/erasures/${ids.template}`])
    await expect(404, 'GET', path, { key: body.key });
  await expect(204, 'DELETE', `/v1/tenants/${other}/keys/${body.keyId}`, { key: adminKey });
  await expect(401, 'GET', `/v1/consents/${ids.consent}`, { key: body.key });
});

await step('a write may be repeated with its Idempotency-Key, and only with it', async () => {
  const headers = idempotent();
  const body = { ttlMinutes: 5 };
  const path = `/v1/subjects/${ids.subject}/links`;
  const [one, two] = [
    await expect(201, 'POST', path, { key: keys.registrar, body, headers }),
    await expect(201, 'POST', path, { key: keys.registrar, body, headers }),
  ];
  must(one.body.code === two.body.code, 'the repeat made a second link');
  await expect(422, 'POST', path, { key: keys.registrar, body: { ttlMinutes: 6 }, headers });
});

await step('bad requests get clear answers', async () => {
  await expect(400, 'PUT', `/v1/consents/${randomUUID()}`, {
    key: keys.registrar,
    body: Buffer.from('{"a":'),
    headers: { 'content-type': 'application/json' },
  });
  await expect(415, 'PUT', `/v1/consents/${randomUUID()}`, {
    key: keys.registrar,
    body: Buffer.from('a=b'),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  const { body } = await expect(422, 'PUT', `/v1/consents/${randomUUID()}`, {
    key: keys.registrar,
    body: consentBody({ act: { kind: 'nod' }, extra: 1 }),
  });
  must(
    body.errors.length >= 2 && body.errors.every(({ path, code }) => path !== undefined && code),
    JSON.stringify(body.errors),
  );
  await expect([404, 422], 'GET', '/v1/consents/not-a-uuid', { key: keys.backend });
  await expect(404, 'GET', `/v1/consents/${randomUUID()}`, { key: keys.backend });
  await expect(404, 'GET', '/v1/nothing-here', { key: keys.backend });
});

await step('a subject can be erased whole', async () => {
  await expect(202, 'DELETE', `/v1/subjects/${ids.subject}`, { key: keys.registrar });
  for (let n = 0; n < 100; n += 1) {
    const { status } = await call('GET', `/v1/subjects/${ids.subject}`, { key: keys.registrar });
    if (status === 404 || status === 410) return;
    await pause(100);
  }
  throw new Error('the subject is still there after 10 s');
});

await step('it describes and measures itself', async () => {
  const { body } = await expect(200, 'GET', '/docs/openapi.json');
  must(body.openapi.startsWith('3.1'), `OpenAPI ${body.openapi}`);
  const described = Object.keys(body.paths).map((path) => path.replace(/\{\w+\}/g, '{}'));
  for (const path of ['/v1/consents/{}', '/v1/templates/{}', '/v1/matches/verify', '/v1/reports/lifecycle'])
    must(described.includes(path), `${path} is not described`);
  must((await call('GET', '/metrics')).text.includes('# TYPE'), '/metrics is not in Prometheus text format');
  await expect(200, 'GET', '/healthz');
});

console.log(`${passed} passed, ${failed} failed`);
exit(failed ? 1 : 0);
