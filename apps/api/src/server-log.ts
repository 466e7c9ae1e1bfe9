import { ConsoleLogger } from '@nestjs/common';

/** What is worth a line in the log of a server, on stderr: what it prints is for whoever started it. */
export class ServerLog extends ConsoleLogger {
  constructor() {
    super({ logLevels: ['warn', 'error', 'fatal'], colors: process.stderr.isTTY === true });
  }

  protected override printMessages(...[messages, context, level, , ...rest]: Printed): void {
    super.printMessages(messages, context, level, 'stderr', ...rest);
  }
}

type Printed = Parameters<ConsoleLogger['printMessages']>;
