// A file mapped into memory, read only: several processes share one copy in the page cache and a
// model is ready before it has been read. Where mmap is not to be had, the file is read instead.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import koffi from "koffi";
import { LociError } from "@loci/core";
import type { Pointer } from "./pointer.ts";

export interface MappedFile extends Disposable {
  readonly address: Pointer;
  readonly bytes: number;
  /** True: pages come from the file on first use and may vanish if it shrinks. */
  readonly mapped: boolean;
}

const protectionRead = 1;
const mapShared = 1;
const failed = 0xffff_ffff_ffff_ffffn;

type Map = (
  ...args: [
    address: null,
    bytes: number,
    protection: number,
    flags: number,
    file: number,
    offset: number,
  ]
) => Pointer;

/** Maps `path`, which must hold exactly `bytesExpected` bytes (as when it was checked). */
export function mapFile(path: string, bytesExpected: number): MappedFile {
  const file = openSync(path, "r");
  try {
    if (fstatSync(file).size !== bytesExpected) {
      throw new LociError("model_file_changed", "The model file changed while it was opened.");
    }
    return process.platform === "win32"
      ? readWhole(file, bytesExpected)
      : mapPages(file, bytesExpected);
  } finally {
    closeSync(file);
  }
}

function mapPages(file: number, bytes: number): MappedFile {
  const library = koffi.load(process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6");
  const map = library.func(
    "void * mmap(void * addr, size_t length, int prot, int flags, int fd, int64_t offset)",
  ) as Map;
  const unmap = library.func("int munmap(void * addr, size_t length)") as (
    address: Pointer,
    bytes: number,
  ) => number;
  const address = map(null, bytes, protectionRead, mapShared, file, 0);
  if (address === failed || address === -1n) {
    throw new LociError("out_of_memory", "The model file cannot be mapped into memory.");
  }
  return { address, bytes, mapped: true, [Symbol.dispose]: () => void unmap(address, bytes) };
}

function readWhole(file: number, bytes: number): MappedFile {
  const alignment = 64;
  const memory = new Uint8Array(bytes + alignment);
  const base = koffi.address(memory);
  const shift = Number((BigInt(alignment) - (base % BigInt(alignment))) % BigInt(alignment));
  let done = 0;
  while (done < bytes) {
    const count = readSync(file, memory, shift + done, Math.min(bytes - done, 1 << 30), done);
    if (count === 0) throw new LociError("model_file_changed", "The model file became shorter.");
    done += count;
  }
  // The closure keeps the memory referenced as long as the mapping is.
  return {
    address: base + BigInt(shift),
    bytes,
    mapped: false,
    [Symbol.dispose]: () => void memory,
  };
}
