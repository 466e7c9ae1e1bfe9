import { Global, Module } from '@nestjs/common';
import { CloseGenerationHandler } from './close-generation.js';
import { DataKeys } from './data-keys.js';
import { Generations } from './generations.js';
import { ListSigningKeysHandler, ListSigningKeysRoute } from './list-signing-keys.js';
import { PersonalData } from './personal-data.js';
import { RotateTenantKeyHandler } from './rotate-tenant-key.js';
import { Signatures } from './signatures.js';

/** What opens, seals and signs, for every feature; and how older copies of keys become noise. */
@Global()
@Module({
  controllers: [ListSigningKeysRoute],
  providers: [
    DataKeys,
    PersonalData,
    Signatures,
    Generations,
    CloseGenerationHandler,
    RotateTenantKeyHandler,
    ListSigningKeysHandler,
  ],
  exports: [DataKeys, PersonalData, Signatures, Generations],
})
export class KeysModule {}
