/** For health checks of containers: ends with 0 if this machine's process on PORT says that it is alive. */
const port = process.env.PORT || 3000;
const { ok } = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(2_000) }).catch(() => ({
  ok: false,
}));
process.exit(ok ? 0 : 1);
