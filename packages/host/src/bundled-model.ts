// The small model that comes with the repository and answers when none is named.

import { fileURLToPath } from "node:url";

export const bundledModelName = "loci-demo";

/** Path of the bundled model's file. */
export function bundledModelPath(): string {
  return fileURLToPath(new URL(`../../../models/${bundledModelName}.gguf`, import.meta.url));
}
