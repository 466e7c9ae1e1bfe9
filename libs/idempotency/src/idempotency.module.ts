import { Global, Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { Repeats } from './repeats.interceptor.js';
import { StoredAnswers } from './stored-answers.js';

/** To be imported before `HttpModule`: what is kept is the answer as it leaves, behind its schema. */
@Global()
@Module({
  providers: [StoredAnswers, { provide: APP_INTERCEPTOR, useClass: Repeats }],
  exports: [StoredAnswers],
})
export class IdempotencyModule {}
