// Conversations of a server under measurement: kept as any server keeps them, but in a file of its
// own, so that no benchmark reads or writes those of whoever runs it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string | null = null;
let files = 0;

/** A new empty file for `--store`; it goes when this process ends. */
export function throwawayStore(): string {
  if (folder === null) {
    const made = mkdtempSync(join(tmpdir(), "loci-bench-"));
    folder = made;
    process.once("exit", () => rmSync(made, { recursive: true, force: true }));
  }
  files++;
  return join(folder, `conversations-${files}.sqlite`);
}
