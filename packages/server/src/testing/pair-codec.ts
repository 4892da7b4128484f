// A codec in which one text has many tokenisations, as in real vocabularies: two lower-case letters
// in a row are one token when the codec writes them, and any mixture when a model samples them.
// Its chats end with the header of an answer, so an answer continues its prompt.

import type { ChatPrompt, TextCodec } from "@loci/core";
import { byteCodec, byteTokens, controlTokens } from "./byte-codec.ts";

const pairsStart = 300;
const letters = 26;

/** Vocabulary of `pairCodec`. */
export const pairVocabularySize: number = pairsStart + letters * letters;

/** The ids the codec writes for `text`. */
export function pairTokens(text: string): number[] {
  const bytes = byteTokens(text);
  const tokens: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const first = letterOf(bytes[at]);
    const second = letterOf(bytes[at + 1]);
    if (first === null || second === null) tokens.push(bytes[at] ?? 0);
    else {
      tokens.push(pairsStart + first * letters + second);
      at++;
    }
  }
  return tokens;
}

/** The same text byte by byte, as a model may sample it. */
export const singleTokens: (text: string) => number[] = byteTokens;

function letterOf(byte: number | undefined): number | null {
  const letter = (byte ?? 0) - 97;
  return letter >= 0 && letter < letters ? letter : null;
}

export const pairCodec: TextCodec = {
  ...byteCodec,
  encodeChat: (chat) => Promise.resolve(Int32Array.from(chatTokens(chat))),
  tokenize: (text) => Promise.resolve(Int32Array.from(pairTokens(text))),
  tokenBytes: (tokenId) => {
    if (tokenId < pairsStart) return byteCodec.tokenBytes(tokenId);
    const pair = tokenId - pairsStart;
    return Uint8Array.of(97 + Math.floor(pair / letters), 97 + (pair % letters));
  },
};

function* chatTokens(chat: ChatPrompt): Generator<number> {
  if (chat.tools !== null) yield* pairTokens(JSON.stringify(chat.tools));
  for (const { role, content, toolCalls } of chat.messages) {
    yield controlTokens.start;
    const calls = (toolCalls ?? []).map(
      ({ name, arguments: given }) =>
        `<tool_call>\n{"name": "${name}", "arguments": ${given}}\n</tool_call>`,
    );
    yield* pairTokens(`${role}\n${content ?? ""}${calls.join("\n")}`);
    yield controlTokens.end;
  }
  if (!chat.addGenerationPrompt) return;
  yield controlTokens.start;
  yield* pairTokens("assistant\n");
}
