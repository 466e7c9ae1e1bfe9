import { SingleBar } from 'cli-progress';

const linesMax = 20;

/** How far long work has come: a bar for people, now and then a line for a file or a pipe. */
export interface Progress {
  at(done: number, total: number, what: string): void;
  end(): void;
}

export function progressOn(out: NodeJS.WriteStream): Progress {
  return out.isTTY ? barOn(out) : linesOn(out);
}

function barOn(stream: NodeJS.WriteStream): Progress {
  const bar = new SingleBar({ stream, format: '{bar} {percentage} % | {value}/{total} | {what}', hideCursor: true });
  let isBegun = false;
  return {
    at(done, total, what) {
      if (!isBegun) bar.start(total, done, { what });
      isBegun = true;
      bar.setTotal(total);
      bar.update(done, { what });
    },
    end: () => bar.stop(),
  };
}

function linesOn(out: NodeJS.WriteStream): Progress {
  let written = -1;
  return {
    at(done, total, what) {
      const part = total === 0 ? linesMax : Math.floor((linesMax * done) / total);
      if (part === written) return;
      written = part;
      out.write(`${what}: ${done} of ${total}\n`);
    },
    end: () => {},
  };
}
