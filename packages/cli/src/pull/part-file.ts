// A download in progress on disk: the bytes so far, and beside them a note of what they are part
// of. Bytes whose note does not match the file that is wanted now are thrown away.

import { createHash } from "node:crypto";
import { constants, ftruncateSync, writeFileSync, writeSync } from "node:fs";
import { open, readFile, rm, type FileHandle } from "node:fs/promises";
import { assert } from "@loci/core";
import type { Checksum } from "./choose-file.ts";

interface Note {
  readonly bytes: number;
  readonly checksum: Checksum;
  /** The server's strong entity tag, once it named one. */
  readonly etag: string | null;
}

/** Gated models are nobody else's business. */
const fileMode = 0o600;
const hashChunkBytes = 4 * 1024 * 1024;

export class PartFile {
  readonly path: string;
  /** Bytes of the whole file. */
  readonly bytes: number;
  readonly checksum: Checksum;
  readonly #notePath: string;
  readonly #file: FileHandle;
  #length: number;
  #etag: string | null;

  private constructor(path: string, file: FileHandle, note: Note, length: number) {
    this.path = path;
    this.bytes = note.bytes;
    this.checksum = note.checksum;
    this.#notePath = notePathOf(path);
    this.#file = file;
    this.#length = length;
    this.#etag = note.etag;
  }

  /** Opens what an earlier run left, or starts anew. Close it when done. */
  static async open(path: string, bytes: number, checksum: Checksum): Promise<PartFile> {
    const note = await readNote(notePathOf(path));
    const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
    const file = await open(path, flags, fileMode);
    const { size } = await file.stat();
    const isSame =
      note !== null &&
      note.bytes === bytes &&
      note.checksum.hex === checksum.hex &&
      note.checksum.algorithm === checksum.algorithm &&
      size <= bytes;
    const part = new PartFile(
      path,
      file,
      { bytes, checksum, etag: isSame ? note.etag : null },
      size,
    );
    if (!isSame) part.restart();
    return part;
  }

  /** Bytes that are there. */
  get length(): number {
    return this.#length;
  }

  get etag(): string | null {
    return this.#etag;
  }

  /** On disk, as far as the operating system goes, when this returns. */
  append(chunk: Uint8Array): void {
    assert(this.#length + chunk.byteLength <= this.bytes, "no more bytes than the file has");
    for (let written = 0; written < chunk.byteLength;) {
      const rest = chunk.byteLength - written;
      const count = writeSync(this.#file.fd, chunk, written, rest, this.#length);
      written += count;
      this.#length += count;
    }
  }

  /** Throws the bytes away. */
  restart(): void {
    ftruncateSync(this.#file.fd);
    this.#length = 0;
    this.remember(null);
  }

  remember(etag: string | null): void {
    this.#etag = etag;
    const note: Note = { bytes: this.bytes, checksum: this.checksum, etag };
    writeFileSync(this.#notePath, JSON.stringify(note), { mode: fileMode });
  }

  /** Whether what is on disk has the checksum; `onProgress` is told the bytes read so far. */
  async verify(onProgress: (bytes: number) => void): Promise<boolean> {
    const { algorithm, hex } = this.checksum;
    const hash = createHash(algorithm === "sha256" ? "sha256" : "sha1");
    if (algorithm === "git-sha1") hash.update(`blob ${this.bytes}\0`);
    const chunk = Buffer.allocUnsafe(hashChunkBytes);
    for (let position = 0; ;) {
      const { bytesRead } = await this.#file.read(chunk, 0, chunk.byteLength, position);
      if (bytesRead === 0) break;
      hash.update(chunk.subarray(0, bytesRead));
      position += bytesRead;
      onProgress(position);
    }
    return hash.digest("hex") === hex;
  }

  /** On disk for good, and closed; the note goes. */
  async finish(): Promise<void> {
    await this.#file.sync();
    await this.close();
    await rm(this.#notePath, { force: true });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Removes what is left of a closed part. */
  static async remove(path: string): Promise<void> {
    await rm(path, { force: true });
    await rm(notePathOf(path), { force: true });
  }
}

function notePathOf(path: string): string {
  return `${path}.json`;
}

async function readNote(path: string): Promise<Note | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    return isNote(value) ? value : null;
  } catch {
    // Missing or torn: the bytes cannot be trusted, so the download starts anew.
    return null;
  }
}

function isNote(value: unknown): value is Note {
  if (typeof value !== "object" || value === null) return false;
  const { bytes, checksum, etag } = value as Partial<Record<string, unknown>>;
  if (typeof checksum !== "object" || checksum === null) return false;
  const { algorithm, hex } = checksum as Partial<Record<string, unknown>>;
  return (
    typeof bytes === "number" &&
    (algorithm === "sha256" || algorithm === "git-sha1") &&
    typeof hex === "string" &&
    (etag === null || typeof etag === "string")
  );
}
