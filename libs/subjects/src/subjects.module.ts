import { Module } from '@nestjs/common';
import { AdvanceSubjectErasureHandler } from './advance-subject-erasure.js';
import { EraseSubjectHandler, EraseSubjectRoute } from './erase-subject.js';
import { LookUpSubjectHandler, LookUpSubjectRoute } from './look-up-subject.js';
import { ReferenceIndex } from './reference-index.js';
import { RegisterSubjectHandler, RegisterSubjectRoute } from './register-subject.js';
import { ShowMeHandler, ShowMeRoute } from './show-me.js';
import { ShowSubjectHandler, ShowSubjectRoute } from './show-subject.js';
import { SubjectErasure } from './subject-erasure.js';

@Module({
  controllers: [RegisterSubjectRoute, LookUpSubjectRoute, ShowSubjectRoute, EraseSubjectRoute, ShowMeRoute],
  providers: [
    ReferenceIndex,
    SubjectErasure,
    RegisterSubjectHandler,
    LookUpSubjectHandler,
    ShowSubjectHandler,
    EraseSubjectHandler,
    AdvanceSubjectErasureHandler,
    ShowMeHandler,
  ],
  exports: [ReferenceIndex, SubjectErasure],
})
export class SubjectsModule {}
