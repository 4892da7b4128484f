// A mapped model file that shrinks makes reads fail with SIGBUS, which would end the process. The
// kernel library's guard maps a zero page there instead and raises a flag; a step that read such
// a page is thrown away and the server says that the file changed.

import { LociError } from "@loci/core";
import { type MappedFile, loadKernelLibrary } from "@loci/ggml";

export interface ModelFileGuard extends Disposable {
  /** Throws model_file_changed once a page of the file could not be read. */
  readonly check: () => void;
}

/** Guards `file` where the kernel library is there to do it; else the check never throws. */
export function guardModelFile(file: MappedFile): ModelFileGuard {
  const kernel = file.mapped ? loadKernelLibrary() : null;
  if (kernel === null || !kernel.guardMapping(file.address, file.bytes)) {
    return { check: () => {}, [Symbol.dispose]: () => {} };
  }
  return {
    check: () => {
      if (!kernel.guardTripped()) return;
      throw new LociError("model_file_changed", "The model file changed while it was in use.", {
        remedy: "Restore the file and restart the server.",
      });
    },
    [Symbol.dispose]: () => kernel.clearGuard(file.address),
  };
}
