// The turns of the crash tests: everything about a turn follows from its conversation and its number.

import { uniformAt } from "@loci/core";

import type { StoredItem, StoredReply, TurnTokens } from "../records.ts";
import { messageItem } from "../suite/samples.ts";

export const tenant = "tenant";
/** Conversations that talk at the same time, so that commits are made in groups. */
export const conversationCount = 6;
const tokensPerTurn = 30;
const vocabulary = 150_000;

export interface ExpectedTurn {
  readonly key: string;
  readonly input: StoredItem;
  readonly output: StoredItem;
  readonly tokens: TurnTokens;
  readonly reply: StoredReply;
}

export function expectedTurn(conversationId: string, number: number): ExpectedTurn {
  const key = `${conversationId}_turn_${number}`;
  const [input, output] = expectedItems(conversationId, number);
  const all = tokensUpTo(conversationId, number);
  const tokens = {
    promptTokens: all.slice(0, -tokensPerTurn),
    answerTokens: all.slice(-tokensPerTurn),
  };
  const body = JSON.stringify({ answer: key });
  return {
    key,
    input,
    output,
    tokens,
    reply: { status: 200, contentType: "application/json", body },
  };
}

/** Long enough that the log needs a checkpoint every few dozen turns. */
export function expectedItems(
  conversationId: string,
  number: number,
): readonly [StoredItem, StoredItem] {
  const key = `${conversationId}_turn_${number}`;
  const text = `Text of ${key}. `.repeat(1 + ((number * 37) % 300));
  return [messageItem(`${key}_in`, text), messageItem(`${key}_out`, text.toUpperCase())];
}

/** Two stretches per turn: what the user said, then the answer. */
function tokensUpTo(conversationId: string, number: number): Int32Array {
  const seed = Number(conversationId.split("_")[1]);
  return Int32Array.from({ length: 2 * tokensPerTurn * (number + 1) }, (_, position) =>
    Math.floor(uniformAt(seed, position) * vocabulary),
  );
}
