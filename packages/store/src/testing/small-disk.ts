// A file system of a few megabytes that tests may fill. Mounting one takes root.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const canMount: boolean = process.platform === "linux" && process.getuid?.() === 0;

export class SmallDisk implements Disposable {
  readonly folder: string;

  constructor(mebibytes: number) {
    this.folder = mkdtempSync(join(tmpdir(), "loci-disk-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", this.folder]);
    chmodSync(this.folder, 0o777);
  }

  [Symbol.dispose](): void {
    // Lazily: a store that a failed test left open must not keep it mounted.
    execFileSync("umount", ["-l", this.folder]);
    rmdirSync(this.folder);
  }
}
