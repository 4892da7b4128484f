// Bytes of known length, readable at any offset: a file opened once, or memory (for fuzzing).

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { LociError } from "@loci/core";

export interface ByteSource {
  /** Fixed when the source was opened. */
  readonly byteLength: number;
  /** Fills `target` from `offset`; returns the bytes read, fewer only at the end. */
  read(target: Uint8Array, offset: number): number;
}

export class MemorySource implements ByteSource {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  read(target: Uint8Array, offset: number): number {
    const part = this.#bytes.subarray(offset, offset + target.byteLength);
    target.set(part);
    return part.byteLength;
  }
}

/** A regular file, opened once; everything about it is asked of the open descriptor. */
export class FileSource implements ByteSource {
  readonly byteLength: number;
  /** Changes when the file is replaced or written to. */
  readonly identity: string;
  readonly #descriptor: number;
  readonly #path: string;

  /** Throws LociError `file_unreadable` for what is missing, forbidden or not a regular file. */
  constructor(path: string) {
    this.#path = path;
    this.#descriptor = openForReading(path);
    try {
      const facts = fstatSync(this.#descriptor, { bigint: true });
      if (!facts.isFile()) {
        throw new LociError("file_unreadable", `${path} is not a regular file.`, {
          remedy: "Give the path of a .gguf file.",
        });
      }
      this.byteLength = Number(facts.size);
      this.identity = `${facts.dev}:${facts.ino}:${facts.size}:${facts.mtimeNs}`;
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  read(target: Uint8Array, offset: number): number {
    let filled = 0;
    while (filled < target.byteLength) {
      const count = this.#readOnce(target, filled, offset + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  #readOnce(target: Uint8Array, filled: number, offset: number): number {
    try {
      return readSync(this.#descriptor, target, filled, target.byteLength - filled, offset);
    } catch (error) {
      throw unreadable(this.#path, error);
    }
  }
}

function openForReading(path: string): number {
  if (path.includes("\0")) {
    throw new LociError("file_unreadable", "A file path may not hold a NUL character.");
  }
  try {
    // Non-blocking, so that a FIFO without a writer is refused instead of waited for.
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): LociError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LociError("file_unreadable", `${path} cannot be read: ${reason}.`, {
    remedy: "Check the path and its permissions.",
    cause,
  });
}
