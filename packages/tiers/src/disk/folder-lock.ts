// One process per folder. The lock is the system's own on an open file, so it ends with its holder;
// the file says who that is. Where the system has no such lock, the process number in the file does.

import { closeSync, ftruncateSync, readSync, writeSync } from "node:fs";
import { LociError } from "@loci/core";
import { tryLockFile } from "@loci/ggml";
import { openPrivate } from "./private-files.ts";

const numberBytesMax = 32;

export class FolderLock {
  readonly #file: number;

  private constructor(file: number) {
    this.#file = file;
  }

  /** LociError `unavailable` when another process holds the lock file. */
  static acquire(path: string): FolderLock {
    const file = openPrivate(path, "create");
    const holder = readNumber(file);
    const isLocked = tryLockFile(file) ?? !isAlive(holder);
    if (!isLocked) {
      closeSync(file);
      const who = Number.isInteger(holder) ? `Process ${holder}` : "Another process";
      throw new LociError("unavailable", `${who} uses the cache folder already.`, {
        remedy: "Give this one another --kv-disk-path.",
      });
    }
    ftruncateSync(file, 0);
    writeSync(file, `${process.pid}\n`, 0);
    return new FolderLock(file);
  }

  release(): void {
    // An empty file names nobody, for systems where the number is the lock.
    ftruncateSync(this.#file, 0);
    closeSync(this.#file);
  }
}

function readNumber(file: number): number {
  const bytes = Buffer.alloc(numberBytesMax);
  return Number.parseInt(
    bytes.toString("latin1", 0, readSync(file, bytes, 0, numberBytesMax, 0)),
    10,
  );
}

/** Whether a process of this number runs. This one's own number is left over from another life. */
function isAlive(processNumber: number): boolean {
  if (!Number.isInteger(processNumber) || processNumber === process.pid) return false;
  try {
    return process.kill(processNumber, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
