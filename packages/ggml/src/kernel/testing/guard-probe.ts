// A process that maps a file, makes it shorter and reads what is gone. Arguments: the file, and
// whether to guard the mapping. Prints what it read and whether the guard tripped.

import { statSync, truncateSync } from "node:fs";
import koffi from "koffi";
import { assert, defined } from "@loci/core";
import { mapFile } from "../../memory-map.ts";
import { loadKernelLibrary } from "../kernel-library.ts";

const path = defined(process.argv[2], "a file to map");
const kernel = defined(loadKernelLibrary(), "the kernel was built");
using file = mapFile(path, statSync(path).size);
if (process.argv[3] === "guarded") {
  assert(kernel.guardMapping(file.address, file.bytes), "the mapping is guarded");
}
const bytes = new Uint8Array(koffi.view(file.address, file.bytes));
const before = kernel.guardTripped();
truncateSync(path, 0);
const read = bytes[file.bytes - 1];
kernel.clearGuard(file.address);
process.stdout.write(JSON.stringify({ before, read, after: kernel.guardTripped() }));
