// Models by reference: what is missing is pulled, with progress on a terminal.

import type { FindModel } from "@loci/host";

import type { ProgressTerminal } from "../terminal/progress-view.ts";

/** A path as it is, a hub reference by pulling it, a name by looking among the pulled models. */
export const findModel: FindModel = async (reference, settings, signal) => {
  const { errorTerminal } = await import("../terminal/progress-view.ts");
  return findModelTelling(errorTerminal())(reference, settings, signal);
};

/** The same, with progress told elsewhere. */
export function findModelTelling(terminal: ProgressTerminal): FindModel {
  return async (reference, { modelsDir, hfToken }, signal) => {
    // Only now: most of it is for the network.
    const { resolveModel } = await import("../pull/resolve-model.ts");
    const { pullOptions } = await import("../pull/pull-options.ts");
    const settings = { modelsDir, hfToken, ...(signal && { signal }) };
    return resolveModel(reference, pullOptions(settings, process.env, terminal));
  };
}
