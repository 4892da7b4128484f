// The system's own lock on an open file: it ends with the process that holds it, however that ends.

import { constants } from "node:os";
import koffi from "koffi";

const lockExclusive = 2;
const lockWithoutWaiting = 4;

type Flock = (file: number, operation: number) => number;
let flock: Flock | null = null;

/**
 * Locks an open file against other processes until it is closed. False when another holds it; null
 * where the system, or the file system, has no such lock.
 */
export function tryLockFile(file: number): boolean | null {
  if (process.platform === "win32") return null;
  flock ??= koffi
    .load(process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6")
    .func("int flock(int file, int operation)") as Flock;
  if (flock(file, lockExclusive | lockWithoutWaiting) === 0) return true;
  return koffi.errno() === constants.errno.EWOULDBLOCK ? false : null;
}
