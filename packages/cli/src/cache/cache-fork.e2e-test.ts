// `loci cache explain` of a turn whose chat template rewrote its history: the template says no more
// than the beginning of an answer once the conversation has gone on, as those do that leave out reasoning.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { OpenAI } from "openai";
import { expect, test } from "vitest";

import { LociProcess, runLoci } from "../testing/loci-process.ts";
import type { CacheExplanation } from "./cache-client.ts";

const keptCharacters = 9;
const template = `{%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\\n' -}}
{%- if message['role'] == 'assistant' -%}{{- message['content'][:${keptCharacters}] -}}
{%- else -%}{{- message['content'] -}}{%- endif -%}
{{- '<|im_end|>\\n' -}}{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}`;

interface Turn {
  readonly id: string;
  readonly text: string;
  readonly tokens: readonly number[];
}

async function turn(client: OpenAI, input: string, previous?: Turn): Promise<Turn> {
  const after = previous === undefined ? {} : { previous_response_id: previous.id };
  const extension = { return_token_ids: true, ...after };
  const body = { model: "loci-demo", input, temperature: 0, max_output_tokens: 40 };
  const response = await client.responses.create({ ...body, ...extension });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an extension of ours
  const told = response as unknown as Record<"prompt_token_ids" | "token_ids", number[]>;
  const tokens = [...told.prompt_token_ids, ...told.token_ids];
  return { id: response.id, text: response.output_text, tokens };
}

test("the first token that the template rewrote is named, with both texts", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loci-fork-"));
  try {
    const path = join(folder, "template.jinja");
    await writeFile(path, template);
    const store = ["--store", `sqlite:${join(folder, "store.sqlite")}`];
    const words = ["serve", "--port", "0", "--kv-memory", "16MiB", "--chat-template-file", path];
    await using server = new LociProcess([...words, ...store]);
    const url = await server.url();
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
    const first = await turn(client, "My name is Ada. What is yours?");
    expect(first.text.length).toBeGreaterThan(2 * keptCharacters);
    const second = await turn(client, "And where do you live?", first);

    const told = await runLoci(["cache", "explain", second.id, "--json", "--url", url]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the server's schemas
    const { fork, difference } = JSON.parse(told.out) as CacheExplanation;
    const position = fork?.position ?? -1;
    expect(fork).toMatchObject({ firstDifferingToken: first.tokens[position] });
    // Up to there both prompts are the same, and the cache has it.
    expect(second.tokens.slice(0, position)).toEqual(first.tokens.slice(0, position));
    expect(second.tokens[position]).not.toBe(first.tokens[position]);
    // What stood there is the rest of the answer from within its beginning on.
    const rest = fork?.oldText ?? "";
    const at = first.text.indexOf(rest.slice(0, 8));
    expect(at).toBeGreaterThanOrEqual(0);
    expect(at).toBeLessThanOrEqual(keptCharacters);
    // What stands there now ends the answer.
    expect(fork?.newText).toMatch(/^[^]{0,9}<token \d+>/);
    // Without its last token, which no model was fed, the turn is known.
    expect(difference?.position ?? second.tokens.length).toBeGreaterThan(second.tokens.length - 2);

    const shown = await runLoci(["cache", "explain", second.id, "--url", url]);
    expect(shown.out).toContain(`left the conversation's history at token ${position}: `);
    expect(shown.out).toContain(`stands where ${JSON.stringify(rest)}`);
    expect((await runLoci(["cache", "explain", first.id, "--url", url])).out).not.toContain("left");
  } finally {
    await rm(folder, { recursive: true });
  }
});
