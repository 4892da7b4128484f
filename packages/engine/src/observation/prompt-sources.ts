// Where the beginning of a sequence that just started comes from, token by token, each counted once.
// What no memory gives is computed and not counted here.

import { defined } from "@loci/core";
import type { SequenceBlocks } from "../kv/sequence-blocks.ts";
import type { TierDirectory } from "../tiers/tier-directory.ts";
import type { PromptSources } from "./story-notes.ts";

type Source = keyof PromptSources;

/** `promptTokens`: what follows them is not the prompt's. O(blocks). */
export function promptSources(
  sequence: SequenceBlocks,
  promptTokens: number,
  { tiers, blockTokens }: { readonly tiers: TierDirectory; readonly blockTokens: number },
): PromptSources {
  const sources: Record<Source, number> = { device: 0, host: 0, disk: 0, peer: 0, recomputed: 0 };
  const add = (source: Source, start: number, end: number): void => {
    sources[source] += Math.max(0, Math.min(end, promptTokens) - start);
  };
  for (const { start, end } of sequence.gaps) add("recomputed", start, end);
  let gap = 0;
  for (const [index, node] of sequence.path.entries()) {
    const start = index * blockTokens;
    while ((sequence.gaps[gap]?.end ?? Infinity) <= start) gap++;
    if ((sequence.gaps[gap]?.start ?? Infinity) <= start) continue;
    const copy = defined(node.payload);
    const tier = copy.arriving === null ? copy.origin : tiers.restores.tierOf(copy.arriving);
    add(tier ?? "device", start, start + blockTokens);
    // Whoever comes next finds it in the device.
    copy.origin = null;
  }
  const { tailRestore, tokensHeld } = sequence;
  const tail = tailRestore === null ? "device" : tiers.restores.tierOf(tailRestore.order);
  add(tail ?? "device", sequence.path.length * blockTokens, tokensHeld);
  return sources;
}
