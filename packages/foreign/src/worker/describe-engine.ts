// Finds out what answers at an address, by what engines say of themselves, and how it is set up.

import { LociError } from "@loci/core";
import type { EngineDescription, EngineKind } from "../dialect/engine-dialect.ts";
import type { EngineHttp } from "../http/engine-http.ts";
import { countAt, fieldAt, listAt, parseJson, stringAt } from "../http/fields.ts";
import { readGauges, unknownGauges } from "../metrics/engine-gauges.ts";
import type { EngineGauges } from "../metrics/engine-gauges.ts";

const answerMs = 5000;
/** llama-server's cache has no blocks; this is how finely its prompts are compared. */
const llamaBlockTokens = 32;

/** `owned_by` in the list of models. */
const kindsByOwner: Readonly<Record<string, EngineKind>> = {
  llamacpp: "llama-server",
  vllm: "vllm",
  sglang: "sglang",
};

/**
 * Asks the engine who it is; `kind` where that is known. Throws `unavailable` while it starts, and
 * for what is no OpenAI-compatible server.
 */
export async function describeEngine(
  http: EngineHttp,
  kind: EngineKind | "auto",
): Promise<EngineDescription> {
  const models = await json(http, "/v1/models");
  const first = listAt(models, "data")[0];
  const model = stringAt(first, "id");
  if (model === null) {
    throw new LociError("unavailable", "What answers there is no OpenAI-compatible server.", {
      remedy: "Check its address; /v1/models lists no model.",
    });
  }
  const known = kind === "auto" ? (kindsByOwner[stringAt(first, "owned_by") ?? ""] ?? null) : kind;
  const base: EngineDescription = {
    kind: known ?? "openai",
    model,
    version: "",
    contextTokensMax: countAt(first, "max_model_len"),
    sequencesMax: null,
    gauges: unknownGauges,
    eventsConfig: null,
  };
  if (known === "llama-server") return await describeLlama(http, base);
  if (known === "vllm") return await describeVllm(http, base);
  return known === "sglang" ? await describeSglang(http, base) : base;
}

async function describeLlama(
  http: EngineHttp,
  base: EngineDescription,
): Promise<EngineDescription> {
  const props = await json(http, "/props");
  const contextTokens = countAt(props, "default_generation_settings", "n_ctx");
  const slots = countAt(props, "total_slots");
  const tokens = (contextTokens ?? 0) * (slots ?? 1);
  return {
    ...base,
    version: stringAt(props, "build_info") ?? "",
    contextTokensMax: contextTokens,
    sequencesMax: slots,
    gauges: {
      ...(await scraped(http)),
      kvBlocksTotal: tokens === 0 ? null : Math.floor(tokens / llamaBlockTokens),
      blockTokens: llamaBlockTokens,
    },
  };
}

async function describeVllm(http: EngineHttp, base: EngineDescription): Promise<EngineDescription> {
  const version = stringAt(await jsonOrNothing(http, "/version"), "version") ?? "";
  return { ...base, version, gauges: await scraped(http) };
}

async function describeSglang(
  http: EngineHttp,
  base: EngineDescription,
): Promise<EngineDescription> {
  const info =
    (await jsonOrNothing(http, "/get_server_info")) ?? (await jsonOrNothing(http, "/server_info"));
  const gauges = await scraped(http);
  const pageTokens = countAt(info, "page_size") ?? gauges.blockTokens ?? 1;
  const tokens =
    countAt(info, "max_total_num_tokens") ??
    countAt(info, "internal_states", 0, "max_total_num_tokens") ??
    gauges.kvBlocksTotal;
  return {
    ...base,
    version: stringAt(info, "version") ?? "",
    contextTokensMax: countAt(info, "context_length") ?? base.contextTokensMax,
    sequencesMax: countAt(info, "max_running_requests"),
    eventsConfig: stringAt(info, "kv_events_config"),
    gauges: {
      ...gauges,
      blockTokens: Math.max(1, pageTokens),
      kvBlocksTotal: tokens === null ? null : Math.floor(tokens / Math.max(1, pageTokens)),
    },
  };
}

/** Numbers of the moment; nothing known where the engine was started without metrics. */
export async function scraped(http: EngineHttp): Promise<EngineGauges> {
  const { status, text } = await http.get("/metrics", answerMs);
  return status === 200 ? readGauges(text) : unknownGauges;
}

/** For llama-server without metrics: who of its slots is at work. */
export async function slotGauges(http: EngineHttp): Promise<EngineGauges> {
  const slots = await jsonOrNothing(http, "/slots");
  if (!Array.isArray(slots)) return unknownGauges;
  const busy = (slots as readonly unknown[]).filter(
    (slot) => fieldAt(slot, "is_processing") === true,
  );
  return { ...unknownGauges, requestsRunning: busy.length };
}

async function json(http: EngineHttp, path: string): Promise<unknown> {
  const { status, text } = await http.get(path, answerMs);
  if (status !== 200) {
    throw new LociError("unavailable", `The engine answered ${path} with status ${status}.`);
  }
  return parseJson(text);
}

async function jsonOrNothing(http: EngineHttp, path: string): Promise<unknown> {
  const { status, text } = await http.get(path, answerMs);
  return status === 200 ? parseJson(text) : undefined;
}
