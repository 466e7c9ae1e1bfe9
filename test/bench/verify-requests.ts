import type autocannon from 'autocannon';
import type { Enrolled } from './ward.js';

/** A verification of each, with the embedding as bytes. */
export const verifyRequests = (enrolled: readonly Enrolled[], key: string): autocannon.Request[] =>
  enrolled.map(({ subjectId, probe }) => ({
    method: 'POST',
    path: `/v1/matches/verify?subjectId=${subjectId}&purposeId=registration&model=synthetic&modelVersion=1`,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/octet-stream' },
    body: probe,
  }));
