// One downloader per file across processes: a lock file that exists while its owner works. The
// owner touches it as it makes progress, so a lock that stays untouched was left by a process that
// died, and may be taken over.

import { constants, utimesSync } from "node:fs";
import { link, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { LociError, sleep, type Clock } from "@loci/core";

const pollMs = 500;
/** Untouched for this long while another waits: its owner is gone. Longer than any pause of it. */
const staleMs = 300_000;
const touchMs = 5_000;
const waitMsMax = 12 * 60 * 60 * 1000;

export interface LockContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told once when another process holds the lock. */
  onWait(): void;
}

export class FileLock {
  readonly #path: string;
  readonly #owner: string;
  readonly #clock: Clock;
  #touchedMs: number;

  private constructor(path: string, owner: string, clock: Clock) {
    this.#path = path;
    this.#owner = owner;
    this.#clock = clock;
    this.#touchedMs = clock.nowMs();
  }

  /**
   * Waits for the lock. `owner` is unique among lockers. Throws LociError `cancelled` on abort,
   * `unavailable` when it is not to be had for half a day.
   */
  static async acquire(path: string, owner: string, context: LockContext): Promise<FileLock> {
    const { clock } = context;
    const startMs = clock.nowMs();
    let seen = "";
    let seenMs = startMs;
    for (;;) {
      if (await tryCreate(path, owner)) return new FileLock(path, owner, clock);
      if (context.signal.aborted) throw new LociError("cancelled", "The download was stopped.");
      const nowMs = clock.nowMs();
      if (nowMs - startMs > waitMsMax) {
        throw new LociError("unavailable", `Another process holds ${path}.`, {
          remedy: "End it, or remove that file.",
        });
      }
      if (seen === "") context.onWait();
      const current = await signOfLife(path);
      if (current !== seen) {
        seen = current;
        seenMs = nowMs;
      } else if (nowMs - seenMs > staleMs) {
        await takeAway(path, owner, seen);
        continue;
      }
      await sleep(clock, pollMs);
    }
  }

  /** Shows that the owner lives; cheap enough to call with every piece of progress. */
  touch(): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#touchedMs < touchMs) return;
    this.#touchedMs = nowMs;
    const seconds = this.#clock.unixSeconds();
    try {
      utimesSync(this.#path, seconds, seconds);
    } catch (error) {
      throw new LociError("download_failed", "Another process took this download over.", {
        cause: error,
      });
    }
  }

  async release(): Promise<void> {
    // Not ours any more when this process slept so long that another took it away.
    if ((await contentOf(this.#path)) === this.#owner) await rm(this.#path, { force: true });
  }
}

async function tryCreate(path: string, owner: string): Promise<boolean> {
  try {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;
    const file = await open(path, flags, 0o600);
    await writeFile(file, owner);
    await file.close();
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

/** Changes whenever the lock is made or touched; never empty. */
async function signOfLife(path: string): Promise<string> {
  try {
    const { ino, mtimeMs } = await stat(path);
    return `${ino}:${mtimeMs}`;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "gone";
    throw error;
  }
}

/** Moving is atomic; a lock that turns out to be a newer one than `seen` is put back. */
async function takeAway(path: string, owner: string, seen: string): Promise<void> {
  const grave = `${path}.${owner}`;
  try {
    await rename(path, grave);
    if ((await signOfLife(grave)) !== seen) await link(grave, path);
  } catch (error) {
    if (!hasCode(error, "ENOENT") && !hasCode(error, "EEXIST")) throw error;
  }
  await rm(grave, { force: true });
}

async function contentOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
