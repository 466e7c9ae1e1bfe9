import { Global, Module } from '@nestjs/common';
import { Views } from '#lib/ports';
import { DueView } from './due.view.js';
import { DueDates } from './due-dates.js';
import { DueEraser } from './due-eraser.js';
import { EraseDueHandler } from './erase-due.js';
import { LastAccepts } from './last-accept.js';
import { ListDueHandler, ListDueRoute, ListOverdueRoute } from './list-due.js';
import { OverdueTemplates } from './overdue.js';
import { SweepLoop } from './sweep-loop.js';
import { SweepParts } from './sweep-parts.js';
import { Sweeper } from './sweeper.js';

/** How long templates are kept, which are due, and the sweep that sees to it. */
@Global()
@Module({
  controllers: [ListDueRoute, ListOverdueRoute],
  providers: [
    DueDates,
    DueEraser,
    DueView,
    EraseDueHandler,
    LastAccepts,
    ListDueHandler,
    OverdueTemplates,
    SweepLoop,
    SweepParts,
    Sweeper,
  ],
  exports: [DueDates, OverdueTemplates, SweepLoop, SweepParts, Sweeper],
})
export class RetentionModule {
  constructor(views: Views, due: DueView) {
    views.add(due);
  }
}
