// The list of architectures; nothing else knows them all.

import { LociError } from "@loci/core";
import type { Architecture } from "./architecture.ts";
import { gemma3 } from "./gemma3.ts";
import { llama } from "./llama.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";
import { qwen3moe } from "./qwen3moe.ts";

export const supportedArchitectures: ReadonlyMap<string, Architecture> = new Map(
  [llama, qwen2, qwen3, gemma3, phi3, qwen3moe].map((each) => [each.name, each]),
);

/** The architecture of a name; unsupported_architecture names it and those there are. */
export function findArchitecture(name: string): Architecture {
  const architecture = supportedArchitectures.get(name);
  if (architecture !== undefined) return architecture;
  throw new LociError("unsupported_architecture", `The architecture ${name} is not supported.`, {
    remedy: `Supported are ${[...supportedArchitectures.keys()].join(", ")}.`,
  });
}
