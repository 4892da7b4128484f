// A chat request with a prompt of a given number of tokens, whatever the tokenizer: a short request
// tells how many tokens a word of the filler takes.

import { Random } from "@loci/core";
import { request } from "undici";
import { child } from "../load/json-value.ts";

const fillerWords = "the you are what this that with from have can would about when there";
const calibrationWords = 1000;
/** Texts of other seeds take a little more or less per word. */
const margin = 1.04;

/** Different text for every seed, so that no cache can help. */
export function fillerText(words: number, seed: number): string {
  const choices = fillerWords.split(" ");
  const random = new Random(seed);
  return Array.from({ length: words }, () => choices[random.integer(0, choices.length - 1)]).join(
    " ",
  );
}

/** Words whose chat takes at least `tokens` prompt tokens, and a few in a hundred more. */
export async function wordsForTokens(
  baseUrl: string,
  model: string,
  tokens: number,
): Promise<number> {
  const one = await chat(baseUrl, model, fillerText(1, 1));
  const many = await chat(baseUrl, model, fillerText(1 + calibrationWords, 2));
  const perWord = (many - one) / calibrationWords;
  return Math.ceil((margin * (tokens - one)) / perWord);
}

/** Asks for one token; resolves with the number of prompt tokens when the answer is complete. */
export async function chat(baseUrl: string, model: string, content: string): Promise<number> {
  const response = await request(`${baseUrl}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 1, messages: [{ role: "user", content }] }),
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const body = await response.body.json();
  const tokens = child(child(body, "usage"), "prompt_tokens");
  if (response.statusCode === 200 && typeof tokens === "number") return tokens;
  throw new Error(`HTTP ${response.statusCode}: ${JSON.stringify(body).slice(0, 500)}`);
}
