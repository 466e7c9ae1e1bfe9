const endMaxMs = 8_000;

/**
 * The last resort: from SIGTERM or SIGINT on a process has 8 s to end by itself. Whatever then still waits for a server
 * that does not answer is given up; nothing acknowledged is lost by it, as nothing is acknowledged before it is durable.
 */
export function endInTime(): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      setTimeout(() => {
        console.error(`ended after ${endMaxMs / 1_000} s, although something still waits for an answer`);
        process.exit(1);
      }, endMaxMs).unref();
    });
  }
}
