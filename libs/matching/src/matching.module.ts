import { Global, Module } from '@nestjs/common';
import { Deadline } from './deadline.js';
import { MatchLog } from './match-log.js';
import { MatcherNode } from './matcher-node.js';
import { ListMyMatchesHandler, ListMyMatchesRoute } from './my-matches.js';
import { VerifyFaceHandler } from './verify.js';
import { VerifyBytes } from './verify-bytes.js';
import { VerifyFaceRoute } from './verify-route.js';

/** Comparing faces, 1:1, and what a patient sees of it. Who compares in another way takes its node and its log. */
@Global()
@Module({
  controllers: [VerifyFaceRoute, ListMyMatchesRoute],
  providers: [Deadline, MatchLog, MatcherNode, VerifyFaceHandler, VerifyBytes, ListMyMatchesHandler],
  exports: [Deadline, MatchLog, MatcherNode],
})
export class MatchingModule {}
