// The folder of the disk tier: one folder per fingerprint, of which ours is the one in use. The size
// bound covers all of them: those of other fingerprints make room, the longest unused first.
//
//   <path>/lock
//   <path>/kv-<fingerprint>/<segment number, 8 hex digits>.kv

import { readdirSync, renameSync, rmSync, statSync, statfsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { LociError } from "@loci/core";
import { FolderLock } from "./folder-lock.ts";
import { makePrivateFolder, openPrivate } from "./private-files.ts";

const folderPattern = /^kv-[0-9a-f]{32}$/;
const segmentPattern = /^([0-9a-f]{8})\.kv$/;
const freeShareMin = 0.05;
const freeBytesFloor = 1024 ** 3;

export interface DiskFolderOptions {
  readonly path: string;
  readonly fingerprint: string;
  readonly bytesMax: number;
  readonly freeBytesMin: number | null;
}

export class DiskFolder {
  readonly #options: DiskFolderOptions;
  readonly #own: string;
  readonly #lock: FolderLock;

  /** LociError `unavailable` when another process uses the folder; `config_invalid`, `file_unreadable`. */
  constructor(options: DiskFolderOptions) {
    this.#options = options;
    this.#own = `kv-${options.fingerprint}`;
    try {
      makePrivateFolder(options.path);
      this.#lock = FolderLock.acquire(join(options.path, "lock"));
      makePrivateFolder(this.#ownPath);
    } catch (error) {
      if (error instanceof LociError) throw error;
      throw new LociError("config_invalid", "The folder for cached blocks cannot be used.", {
        remedy: "Give --kv-disk-path a folder that this user may write to.",
        cause: error,
      });
    }
  }

  /** Numbers of the segments that are there, in order; unfinished ones are cleared away. */
  segmentNumbers(): number[] {
    const numbers: number[] = [];
    for (const name of readdirSync(this.#ownPath)) {
      const match = segmentPattern.exec(name);
      if (match?.[1] !== undefined) numbers.push(Number.parseInt(match[1], 16));
      else if (name.endsWith(".new")) rmSync(join(this.#ownPath, name), { force: true });
    }
    return numbers.toSorted((left, right) => left - right);
  }

  openSegment(number: number): number {
    return openPrivate(this.#segmentPath(number), "existing");
  }

  /** Opens a file that becomes segment `number` once it is complete, by `finishSegment`. */
  createSegment(number: number): number {
    const path = `${this.#segmentPath(number)}.new`;
    rmSync(path, { force: true });
    return openPrivate(path, "new");
  }

  finishSegment(number: number): void {
    renameSync(`${this.#segmentPath(number)}.new`, this.#segmentPath(number));
  }

  removeSegment(number: number): void {
    const path = this.#segmentPath(number);
    rmSync(path, { force: true });
    rmSync(`${path}.new`, { force: true });
  }

  /** False when `bytesWanted` more would break the size bound or the free-space floor. */
  async makeRoom(bytesWanted: number): Promise<boolean> {
    const others = this.#otherFolders();
    let used = folderBytes(this.#ownPath) + others.reduce((sum, { bytes }) => sum + bytes, 0);
    while (used + bytesWanted > this.#options.bytesMax || !this.hasFree(bytesWanted)) {
      const oldest = others.shift();
      if (oldest === undefined) return false;
      // Many large files: the event loop must not wait for them.
      await rm(oldest.path, { recursive: true, force: true });
      used -= oldest.bytes;
    }
    return true;
  }

  /** Whether the file system keeps its floor when `bytes` more are used. */
  hasFree(bytes: number): boolean {
    const { bavail, blocks, bsize } = statfsSync(this.#ownPath);
    const floor =
      this.#options.freeBytesMin ?? Math.max(freeBytesFloor, blocks * bsize * freeShareMin);
    return bavail * bsize - bytes >= floor;
  }

  close(): void {
    this.#lock.release();
  }

  get #ownPath(): string {
    return join(this.#options.path, this.#own);
  }

  #segmentPath(number: number): string {
    return join(this.#ownPath, `${number.toString(16).padStart(8, "0")}.kv`);
  }

  /** Longest unused first. */
  #otherFolders(): { path: string; bytes: number; usedMs: number }[] {
    return readdirSync(this.#options.path)
      .filter((name) => folderPattern.test(name) && name !== this.#own)
      .map((name) => {
        const path = join(this.#options.path, name);
        return { path, bytes: folderBytes(path), usedMs: lastUseMs(path) };
      })
      .toSorted((left, right) => left.usedMs - right.usedMs);
  }
}

function folderBytes(path: string): number {
  return readdirSync(path).reduce((sum, name) => sum + (fileFacts(path, name)?.size ?? 0), 0);
}

function lastUseMs(path: string): number {
  const times = readdirSync(path).map((name) => fileFacts(path, name)?.mtimeMs ?? 0);
  return Math.max(statSync(path).mtimeMs, ...times);
}

/** Null when the file has just gone. */
function fileFacts(folder: string, name: string): { size: number; mtimeMs: number } | null {
  return statSync(join(folder, name), { throwIfNoEntry: false }) ?? null;
}
