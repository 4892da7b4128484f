// The runner of the server, alone: no scheduler, no HTTP.

import { systemClock } from "@loci/core";
import { loadModel } from "@loci/model";
import type { ArmOptions } from "./engine-arm.ts";
import type { OwnedRunner } from "./loci-arm.ts";

/** Enough for every case on the generated models; blocks that are not used cost nothing. */
const kvMemoryBytes = 2 * 1024 ** 3;

export async function openRunner(options: ArmOptions): Promise<OwnedRunner> {
  const model = await loadModel({
    path: options.modelPath,
    clock: systemClock,
    threads: options.threads,
    contextTokensMax: options.room.contextTokens,
    kvMemoryBytes,
  });
  return { runner: model.runner, [Symbol.dispose]: () => model[Symbol.dispose]() };
}
