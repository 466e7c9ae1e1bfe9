import { Module, type OnModuleInit } from '@nestjs/common';
import { Views } from '#lib/ports';
import { SweepParts } from '#lib/retention/contract';
import { AdvanceSubjectErasureHandler } from './advance-subject-erasure.js';
import { EraseSubjectHandler, EraseSubjectRoute } from './erase-subject.js';
import { LookUpSubjectHandler, LookUpSubjectRoute } from './look-up-subject.js';
import { ReferenceIndex } from './reference-index.js';
import { RegisterSubjectHandler, RegisterSubjectRoute } from './register-subject.js';
import { ShowMeHandler, ShowMeRoute } from './show-me.js';
import { ShowSubjectHandler, ShowSubjectRoute } from './show-subject.js';
import { SubjectErasure } from './subject-erasure.js';
import { SubjectErasureResumer } from './subject-erasure-resumer.js';
import { UnfinishedSubjectErasures } from './unfinished-subject-erasures.view.js';

@Module({
  controllers: [RegisterSubjectRoute, LookUpSubjectRoute, ShowSubjectRoute, EraseSubjectRoute, ShowMeRoute],
  providers: [
    ReferenceIndex,
    SubjectErasure,
    SubjectErasureResumer,
    UnfinishedSubjectErasures,
    RegisterSubjectHandler,
    LookUpSubjectHandler,
    ShowSubjectHandler,
    EraseSubjectHandler,
    AdvanceSubjectErasureHandler,
    ShowMeHandler,
  ],
  exports: [ReferenceIndex, SubjectErasure],
})
export class SubjectsModule implements OnModuleInit {
  constructor(
    views: Views,
    sweeps: SweepParts,
    unfinished: UnfinishedSubjectErasures,
    resumer: SubjectErasureResumer,
    private readonly references: ReferenceIndex,
  ) {
    views.add(unfinished);
    sweeps.add(resumer);
  }

  /** Nothing is served before it is there: without it, patients would be strangers, and registered twice. */
  onModuleInit(): Promise<void> {
    return this.references.ensure();
  }
}
