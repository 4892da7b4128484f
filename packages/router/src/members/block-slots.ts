// A worker's place in the directory of blocks: it has one as long as what it holds may be believed.

import type { BlockName } from "@loci/core";
import type { BlockDirectory } from "../directory/block-directory.ts";
import type { PlacementPolicy } from "../policy/placement-policy.ts";
import type { SlotListener } from "./members.ts";
import { WorkerBlocks } from "./worker-blocks.ts";

/** Opens and closes what is known of workers' blocks; a policy that keeps its own book hears of losses. */
export function blockSlots(directory: BlockDirectory, policy: PlacementPolicy): SlotListener {
  const wantsLosses = policy.removed !== undefined || policy.cleared !== undefined;
  return {
    opened: (worker) => {
      const losses = {
        removed: (names: readonly BlockName[]): void => policy.removed?.(worker, names),
        cleared: (): void => policy.cleared?.(worker),
      };
      worker.blocks = new WorkerBlocks(directory, worker.slot, wantsLosses ? losses : null);
    },
    closed: (worker) => {
      policy.workerGone?.(worker);
      worker.blocks?.close();
      worker.blocks = null;
    },
  };
}
