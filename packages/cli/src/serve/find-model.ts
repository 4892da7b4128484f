// Models by reference: what is missing is pulled, with progress on the terminal.

import type { FindModel } from "@loci/host";

/** A path as it is, a hub reference by pulling it, a name by looking among the pulled models. */
export const findModel: FindModel = async (reference, { modelsDir, hfToken }, signal) => {
  // Only now: most of it is for the network.
  const { resolveModel } = await import("../pull/resolve-model.ts");
  const { pullOptions } = await import("../pull/pull-options.ts");
  const { errorTerminal } = await import("../terminal/progress-view.ts");
  const settings = { modelsDir, hfToken, ...(signal && { signal }) };
  return resolveModel(reference, pullOptions(settings, process.env, errorTerminal()));
};
