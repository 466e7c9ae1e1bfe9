import { ActorId, TenantId } from '#lib/core';

/** What the specs about policy speak of, as callers would send it. */
export const noticeId = 'registration-notice';
export const notice = {
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

export const thresholdCardId = 'synthetic-1';
export const thresholdCard = {
  model: { id: 'synthetic', version: '1', dim: 512 },
  metric: 'cosine',
  accept: 0.5,
  review: 0.4,
  fmr: 0.00001,
  interval: { low: 0, high: 0.0001 },
  dataset: 'synthetic identities, 2026-11',
} as const;

/** Of the same model, made of more comparisons. */
export const newThresholdCardId = 'synthetic-2';
export const newThresholdCard = { ...thresholdCard, accept: 0.55, dataset: 'synthetic identities, 2027-01' } as const;

export const purposeId = 'registration';
export const purpose = {
  title: 'Identity at outpatient registration',
  operations: ['verify'],
  legalBasis: 'consent',
  necessity: {
    statement: 'Impostors register under other names.',
    lessIntrusive: 'Cards are offered first; face is a choice.',
  },
  noticeId,
  retention: { maxDays: 365, inactivityDays: 180 },
  consentMaxDays: 365,
  modes: ['central'],
  thresholdCardId,
} as const;

/** Terms that identify among few, with a change of their bounds. */
export const identification = { galleryMax: 10_000, fpirMax: 0.001, searchesPerMinuteMax: 600 } as const;
export const identifying = (change: object = {}) => ({
  operations: ['identify'],
  identification: { ...identification, ...change },
});

export const assessmentId = 'registration-2026';
export const assessment = {
  lawfulness: 'Separate consent, one purpose.',
  rightsImpact: 'Refusal costs nothing.',
  risks: 'Leak, false accept, exclusion.',
  measures: 'Encryption, erasure, alternatives.',
  purposes: [purposeId],
  validUntil: '2027-05-01T00:00:00.000Z',
};

/** The threshold cards that its purposes have when it is drafted. */
export const assessedCards = [{ purposeId, thresholdCardId }];

export const checkpointId = 'outpatient-desk';
export const checkpoint = {
  title: 'Outpatient desk',
  channel: 'counter',
  purposeId,
  methods: [
    { kind: 'face', enabled: true },
    { kind: 'id-card', enabled: true },
    { kind: 'social-security-card', enabled: false },
  ],
} as const;

const tenant = TenantId.parse('here');
/** Two persons who answer for policy, as an assessment needs. */
export const officer = { tenant, actor: ActorId.parse('officer') };
export const secondOfficer = { tenant, actor: ActorId.parse('second-officer') };
