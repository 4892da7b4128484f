// Conversations in a real server, and their tokens in its cache and in the files of its disk tier.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { assert } from "@loci/core";
import { OpenAI } from "openai";

import type { CacheExplanation } from "../cache/cache-client.ts";

export const whereabouts: string =
  "I live in a small house at the end of the long road that leads from the harbour to the hill, " +
  "where the old mill stands, and I keep two goats and a cat. Where do I live, and with whom?";
export const blockTokens: number = 32;

const model = "loci-demo";
const instructions = "You are the keeper of a lighthouse, patient and exact in all you say.";

export class ConversationCaller {
  readonly #url: string;
  readonly #client: OpenAI;

  constructor(url: string) {
    this.#url = url;
    this.#client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
  }

  get client(): OpenAI {
    return this.#client;
  }

  /** One turn; returns its id and all of its tokens. */
  async turn(
    input: string,
    fields: {
      readonly conversation?: string;
      readonly previous_response_id?: string;
      readonly instructions?: string;
    },
  ): Promise<{ readonly id: string; readonly tokens: number[] }> {
    const extension = { return_token_ids: true };
    const body = { model, instructions, input, temperature: 0, max_output_tokens: 40, ...fields };
    const response = await this.#client.responses.create({ ...body, ...extension });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an extension of ours
    const told = response as unknown as Record<"prompt_token_ids" | "token_ids", number[]>;
    return { id: response.id, tokens: [...told.prompt_token_ids, ...told.token_ids] };
  }

  async explain(tokens: readonly number[]): Promise<CacheExplanation> {
    const reply = await fetch(`${this.#url}/v1/cache/explain`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ tokens }),
    });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the server's schemas
    return (await reply.json()) as CacheExplanation;
  }

  /** Resolves when all but the unfinished last block of `tokens` lie on disk. */
  async reachesDisk(kv: string, tokens: readonly number[]): Promise<void> {
    for (;;) {
      await this.explain(tokens);
      if (wholeBlocks(tokens).every((block) => onDisk(kv, block))) return;
    }
  }
}

function wholeBlocks(tokens: readonly number[]): number[][] {
  const count = Math.floor((tokens.length - 1) / blockTokens);
  return Array.from({ length: count }, (_, index) =>
    tokens.slice(index * blockTokens, (index + 1) * blockTokens),
  );
}

/** Whether the files name these tokens as a block's. */
function onDisk(kv: string, tokens: readonly number[]): boolean {
  const wanted = Buffer.from(Int32Array.from(tokens).buffer);
  const entries = readdirSync(kv, { recursive: true, withFileTypes: true });
  return entries.some((entry) => {
    if (!entry.name.endsWith(".kv")) return false;
    return readFileSync(join(entry.parentPath, entry.name)).includes(wanted);
  });
}

/** Whether the files name no block with tokens of `deleted` that `kept` does not have, too. */
export function isErased(kv: string, deleted: readonly number[], kept: readonly number[]): boolean {
  const shared = Math.floor(sharedLength(deleted, kept) / blockTokens);
  const blocks = wholeBlocks(deleted).slice(shared);
  assert(blocks.length > 0, "it has blocks of its own");
  return !blocks.some((block) => onDisk(kv, block));
}

export function sharedLength(one: readonly number[], other: readonly number[]): number {
  const differs = one.findIndex((token, index) => token !== other[index]);
  return differs === -1 ? one.length : differs;
}
