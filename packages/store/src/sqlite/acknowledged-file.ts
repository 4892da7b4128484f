// A few bytes beside the database that say up to which commit callers were told "done". The
// database says itself which commit is its last. When it says less than this file, acknowledged turns were
// lost (a damaged or deleted write-ahead log, an older copy), and that is told instead of served.
//
// It is written after the commit is on disk and need not be synced itself: an older number only
// notices less. A torn one has a wrong checksum and counts as none.
//
// What it says is text: "loci 000000000042 1a2b3c4d\n".

import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

const digits = 12;

export class AcknowledgedFile {
  readonly path: string;
  #handle: number | null = null;

  constructor(databasePath: string) {
    this.path = `${databasePath}-ack`;
  }

  /** Null when nothing (readable) was acknowledged. */
  read(): number | null {
    if (!existsSync(this.path)) return null;
    const [name, number, checksum] = readFileSync(this.path, "utf8").trimEnd().split(" ");
    return name === "loci" && number && checksum === checksumOf(number) ? Number(number) : null;
  }

  write(commit: number): void {
    this.#handle ??= openSync(this.path, existsSync(this.path) ? "r+" : "w+", 0o600);
    const number = String(commit).padStart(digits, "0");
    writeSync(this.#handle, `loci ${number} ${checksumOf(number)}\n`, 0);
  }

  close(): void {
    if (this.#handle !== null) closeSync(this.#handle);
    this.#handle = null;
  }
}

function checksumOf(number: string): string {
  return crc32(number).toString(16).padStart(8, "0");
}
