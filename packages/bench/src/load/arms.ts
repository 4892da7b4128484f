// The two servers that are compared, and the peer's candidate settings. `--sweep-peer` tries them
// all, so that what the peer is given can be checked against what is best for it.

import { fileURLToPath } from "node:url";
import { llamaServerDialect, openaiDialect, type Dialect } from "./dialect.ts";
import type { CoreSplit } from "../measure/pinning.ts";
import { throwawayStore } from "./throwaway-store.ts";

export type ArmName = "loci" | "llama-server";

export interface ServeArm {
  readonly name: ArmName;
  readonly dialect: Dialect;
  readonly command: string;
  args(port: number): readonly string[];
}

export interface ArmSettings {
  readonly modelPath: string;
  readonly cores: CoreSplit;
  /** Tokens that one conversation needs. */
  readonly contextTokens: number;
  readonly extraArgs: readonly string[];
}

/** Node 24, wherever this process was started from. */
export const nodePath: string = process.execPath;

/** The entry of the command line of this checkout. */
export function lociEntry(): string {
  return fileURLToPath(new URL("../../../cli/src/main.ts", import.meta.url));
}

/** Loci with its defaults; only what the machine dictates is set, and a store of its own. */
export function lociArm(settings: ArmSettings): ServeArm {
  const { extraArgs } = settings;
  return {
    name: "loci",
    dialect: openaiDialect,
    command: nodePath,
    args: (port) => [
      lociEntry(),
      "serve",
      "-m",
      settings.modelPath,
      "--port",
      String(port),
      "--threads",
      String(settings.cores.serverThreads),
      "--log-level",
      "warn",
      ...(extraArgs.includes("--store") ? [] : ["--store", throwawayStore()]),
      ...extraArgs,
    ],
  };
}

/** One set of llama-server settings. */
export interface PeerFlags {
  readonly name: string;
  /** Slots; each gets the context that one conversation needs. */
  readonly parallel: number;
  readonly flags: readonly string[];
}

/**
 * A slot per conversation or fewer, one cache for all slots or one each, chunk sizes, reuse by
 * shifting, memory mapping, slot similarity, the host-memory prompt cache.
 */
export const peerCandidates: readonly PeerFlags[] = [
  { name: "8 slots", parallel: 8, flags: [] },
  { name: "16 slots", parallel: 16, flags: [] },
  { name: "24 slots", parallel: 24, flags: [] },
  { name: "24 slots, flash attention on", parallel: 24, flags: ["-fa", "on"] },
  { name: "24 slots, unified cache", parallel: 24, flags: ["-kvu"] },
  { name: "8 slots, unified cache", parallel: 8, flags: ["-kvu"] },
  { name: "24 slots, reuse by shifting", parallel: 24, flags: ["--cache-reuse", "32"] },
  { name: "24 slots, small batches", parallel: 24, flags: ["-b", "512", "-ub", "128"] },
  { name: "24 slots, 256-token batches", parallel: 24, flags: ["-b", "512", "-ub", "256"] },
  { name: "24 slots, no memory map", parallel: 24, flags: ["-lm", "none"] },
  { name: "24 slots, no idle-slot cache", parallel: 24, flags: ["--cache-ram", "0"] },
  { name: "24 slots, high similarity", parallel: 24, flags: ["-sps", "0.5"] },
];

/**
 * The fixed settings of the comparison. A slot per conversation gave the same output rate as 8
 * slots and far shorter waits, a unified cache two thirds of the rate (docs/benchmarks.md).
 */
export const peerBest: PeerFlags = { name: "24 slots", parallel: 24, flags: [] };

/** llama-server with the given settings. */
export function llamaServerArm(binary: string, settings: ArmSettings, peer: PeerFlags): ServeArm {
  const context = Math.ceil((settings.contextTokens + 64) / 256) * 256 * peer.parallel;
  const threads = String(settings.cores.serverThreads);
  return {
    name: "llama-server",
    dialect: llamaServerDialect,
    command: binary,
    args: (port) => [
      ...`--host 127.0.0.1 --port ${port} -t ${threads} -tb ${threads} -c ${context}`.split(" "),
      ...`--parallel ${peer.parallel} --no-ui -m`.split(" "),
      settings.modelPath,
      ...peer.flags,
      ...settings.extraArgs,
    ],
  };
}
