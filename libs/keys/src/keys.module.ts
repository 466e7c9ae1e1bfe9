import { Global, Module } from '@nestjs/common';
import { DataKeys } from './data-keys.js';
import { PersonalData } from './personal-data.js';
import { Signatures } from './signatures.js';

/** What opens, seals and signs, for every feature. */
@Global()
@Module({
  providers: [DataKeys, PersonalData, Signatures],
  exports: [DataKeys, PersonalData, Signatures],
})
export class KeysModule {}
