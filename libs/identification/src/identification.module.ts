import { type DynamicModule, Module } from '@nestjs/common';
import { Views } from '#lib/ports';
import { Candidates } from './candidates.js';
import { Galleries, type IdentificationSettings, identificationSettings } from './galleries.js';
import { GalleryMembers } from './gallery-members.js';
import { GallerySearch } from './gallery-search.js';
import { IdentifyFaceHandler } from './identify.js';
import { IdentifyFaceRoute } from './identify-route.js';
import { IdentifyingPurposes } from './identifying-purposes.view.js';
import { Outcomes } from './outcomes.js';

/** Finding who somebody is among many, 1:N. Off unless it is given memory: then its route refuses, and nothing is held. */
@Module({
  controllers: [IdentifyFaceRoute],
  providers: [Candidates, Galleries, GalleryMembers, GallerySearch, IdentifyFaceHandler, IdentifyingPurposes, Outcomes],
  exports: [Galleries, Outcomes],
})
export class IdentificationModule {
  constructor(views: Views, purposes: IdentifyingPurposes) {
    views.add(purposes);
  }

  static with(settings: IdentificationSettings): DynamicModule {
    return {
      module: IdentificationModule,
      providers: [{ provide: identificationSettings, useValue: settings }],
    };
  }
}
