// The small model that comes with the repository and answers when none is named.

import { fileURLToPath } from "node:url";

/** Path of the bundled model's file. */
export function bundledModelPath(): string {
  return fileURLToPath(new URL("../../../../models/loci-demo.gguf", import.meta.url));
}
