import { Global, Module } from '@nestjs/common';
import { Views } from '#lib/ports';
import { BeginErasureHandler } from './begin-erasure.js';
import { CertifyErasureHandler, CertifyErasureRoute, CertifyMyErasureRoute } from './certify-erasure.js';
import { DeleteTemplateHandler, DeleteTemplateRoute } from './delete-template.js';
import { EnrolTemplateHandler } from './enrol-template.js';
import { EnrolTemplateRoute } from './enrol-template-route.js';
import { EnrolmentAttempts } from './enrolment-attempts.js';
import { EraseWithoutConsentHandler } from './erase-without-consent.js';
import { ErasureFollower } from './erasure-follower.js';
import { ErasureResumer } from './erasure-resumer.js';
import { ErasureSaga } from './erasure-saga.js';
import { ErasureStores } from './erasure-stores.js';
import { ListMyTemplatesRoute, ListTemplatesHandler, ListTemplatesRoute } from './list-templates.js';
import { Erasures, ShowErasureHandler, ShowErasureRoute } from './show-erasure.js';
import { ShowTemplateHandler, ShowTemplateRoute } from './show-template.js';
import { TemplateRecords } from './template-records.js';
import { TemplateStores } from './template-stores.js';
import { TemplateVault } from './template-vault.js';
import { TemplatesView } from './templates.view.js';
import { UnfinishedErasures } from './unfinished-erasures.view.js';

/** Templates from enrolment to the certificate of their erasure. Other features open and erase them through here. */
@Global()
@Module({
  controllers: [
    CertifyErasureRoute,
    CertifyMyErasureRoute,
    DeleteTemplateRoute,
    EnrolTemplateRoute,
    ListMyTemplatesRoute,
    ListTemplatesRoute,
    ShowErasureRoute,
    ShowTemplateRoute,
  ],
  providers: [
    BeginErasureHandler,
    CertifyErasureHandler,
    DeleteTemplateHandler,
    EnrolTemplateHandler,
    EnrolmentAttempts,
    EraseWithoutConsentHandler,
    ErasureFollower,
    ErasureResumer,
    ErasureSaga,
    ErasureStores,
    Erasures,
    ListTemplatesHandler,
    ShowErasureHandler,
    ShowTemplateHandler,
    TemplateRecords,
    TemplateStores,
    TemplateVault,
    TemplatesView,
    UnfinishedErasures,
  ],
  exports: [
    EnrolmentAttempts,
    ErasureFollower,
    ErasureResumer,
    ErasureSaga,
    ErasureStores,
    TemplateVault,
    TemplatesView,
    UnfinishedErasures,
  ],
})
export class TemplatesModule {
  /** The stores are named so that they are made, and with that listed. */
  constructor(views: Views, templates: TemplatesView, unfinished: UnfinishedErasures, _stores: TemplateStores) {
    views.add(templates);
    views.add(unfinished);
  }
}
