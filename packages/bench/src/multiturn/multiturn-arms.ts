// The arms of `bench multiturn`: what each server may keep, in the same bytes.

import { join } from "node:path";
import { llamaServerArm, lociArm, type ServeArm } from "../load/arms.ts";
import type { CoreSplit } from "../measure/pinning.ts";
import { cacheArgs } from "../tiered/cache-args.ts";

export type MultiturnArm = "stateful" | "device lru" | "stateless" | "llama-server";

export interface ArmMemory {
  readonly modelPath: string;
  readonly cores: CoreSplit;
  readonly bytesPerToken: number;
  /** Tokens of one conversation at its end. */
  readonly contextTokens: number;
  readonly poolTokens: number;
  /** Tokens of all conversations at their ends. */
  readonly workingTokens: number;
  readonly tier: string;
  readonly peerBinary: string | null;
  readonly peerArgs: readonly string[];
}

/** Lower memory over the working set: a history's last block is rarely full. */
const lowerShare = 1.25;
const mebibyte = 1024 ** 2;

/** `runFolder` is new for every run: nothing is kept from one to the next. */
export function multiturnArm(name: MultiturnArm, memory: ArmMemory, runFolder: string): ServeArm {
  const { modelPath, cores, contextTokens, poolTokens, bytesPerToken } = memory;
  const settings = { modelPath, cores, contextTokens };
  const lowerTokens = Math.ceil(memory.workingTokens * lowerShare);
  if (name === "llama-server") {
    const slotTokens = Math.ceil((contextTokens + 64) / 256) * 256;
    const parallel = Math.max(1, Math.floor(poolTokens / slotTokens));
    const cacheRam = Math.ceil((lowerTokens * bytesPerToken) / mebibyte);
    const flags = ["--cache-ram", String(cacheRam)];
    const extraArgs = memory.peerArgs;
    const binary = memory.peerBinary ?? "llama-server";
    return llamaServerArm(binary, { ...settings, extraArgs }, { name: "slots", parallel, flags });
  }
  const plain = { bytesPerToken, poolTokens, hostTokens: 0, diskPath: null };
  const args = {
    stateful: cacheArgs({
      ...plain,
      hostTokens: memory.tier === "disk" ? 0 : lowerTokens,
      diskPath: memory.tier === "host" ? null : join(runFolder, "kv"),
    }),
    "device lru": cacheArgs({ ...plain, eviction: "lru" }),
    stateless: cacheArgs({ ...plain, prefixCaching: false, eviction: "lru" }),
  };
  const own = ["--store", "none", "--ctx-size", String(contextTokens + 64)];
  return lociArm({ ...settings, extraArgs: [...own, ...args[name]] });
}
