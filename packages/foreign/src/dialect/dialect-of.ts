// The one list of engines.

import type { EngineDescription, EngineDialect } from "./engine-dialect.ts";
import { llamaServerDialect } from "./llama-server.ts";
import { openaiDialect } from "./openai.ts";
import { sglangDialect } from "./sglang.ts";
import { vllmDialect } from "./vllm.ts";

export function dialectOf({ kind, version }: EngineDescription): EngineDialect {
  if (kind === "llama-server") return llamaServerDialect;
  if (kind === "vllm") return vllmDialect(version);
  return kind === "sglang" ? sglangDialect(version) : openaiDialect;
}
