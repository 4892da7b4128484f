// Node's thread pool computes steps and moves blocks. A step that waits for blocks holds a thread
// until their restore, which needs another, has brought them: with a pool of one it would wait in
// vain until its gate gives up. So a smaller pool than Node's own is made as large as that.

/** Threads of Node's pool unless the environment says otherwise. */
const threadsMin = 4;

/** What `UV_THREADPOOL_SIZE` should be. Node reads the first digits and takes 0 and less as 1. */
export function threadPoolSize(wished: string | undefined): number {
  const threads = Number.parseInt(wished ?? "", 10);
  return Number.isNaN(threads) ? threadsMin : Math.max(threadsMin, threads);
}
