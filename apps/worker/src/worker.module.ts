import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Feed } from '#lib/ports';
import { SweepLoop } from '#lib/retention';
import { SubjectErasure, SubjectsModule } from '#lib/subjects';
import { ErasureFollower, ErasureSaga } from '#lib/templates';

export interface WorkerOptions {
  /** Pause between sweeps, 60 s where it is not said. */
  readonly sweepEveryMs?: number | undefined;
}

const options = Symbol('options');

/**
 * What happens without being asked: erasures are run, subjects taken to their end, and whatever time or a crash left to be
 * done is swept up. Stands beside `ApiModule`, whose features it sets to work.
 */
@Module({})
export class WorkerModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly feed: Feed,
    private readonly erasures: ErasureFollower,
    private readonly saga: ErasureSaga,
    private readonly subjects: SubjectErasure,
    private readonly sweeps: SweepLoop,
    @Inject(options) private readonly settings: WorkerOptions,
  ) {}

  static with(settings: WorkerOptions = {}): DynamicModule {
    return {
      module: WorkerModule,
      imports: [SubjectsModule],
      providers: [{ provide: options, useValue: settings }],
    };
  }

  /** Nobody waits for history: the API answers while it is caught up with. */
  onApplicationBootstrap(): void {
    void this.feed.follow(this.erasures);
    void this.feed.follow(this.subjects);
    this.sweeps.start(this.settings.sweepEveryMs);
  }

  /** What is under way ends, as the stores still stand; what is left is found at the next start. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.sweeps.stop(), this.saga.close()]);
  }
}
