import { Module } from '@nestjs/common';
import { ReportLifecycleHandler } from './lifecycle.js';
import { ReportLifecycleRoute } from './lifecycle-route.js';
import { LogPages } from './log-pages.js';
import { ExportMineHandler, ExportMineRoute } from './my-export.js';
import { ReportSummaryHandler, ReportSummaryRoute } from './summary.js';

/** What a data-protection officer takes out: every report is a fold over the log up to a position. */
@Module({
  controllers: [ReportLifecycleRoute, ReportSummaryRoute, ExportMineRoute],
  providers: [LogPages, ReportLifecycleHandler, ReportSummaryHandler, ExportMineHandler],
})
export class ReportsModule {}
