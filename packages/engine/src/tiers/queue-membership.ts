// Whether a block may be given up, and keeping a queue in step with that.

import type { CachedBlock } from "../kv/cached-block.ts";
import type { RetentionQueue } from "../retention/retention-queue.ts";

/** Whether the block lies on the device, whole, and nobody uses it. */
export function rests(copy: CachedBlock): boolean {
  const { node } = copy;
  return node !== null && node.locks === 0 && copy.device !== null && copy.arriving === null;
}

/** Puts the block into the queue or takes it out; tells the queue of changes otherwise. */
export function setMember(
  queue: RetentionQueue<CachedBlock>,
  copy: CachedBlock,
  belongs: boolean,
  nowMs: number,
): void {
  if (!queue.has(copy)) {
    if (belongs) queue.add(copy, nowMs);
  } else if (belongs) queue.update(copy);
  else queue.remove(copy);
}
