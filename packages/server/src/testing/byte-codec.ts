// A TextCodec whose tokens are bytes, with a few control tokens for chats. It is complete and
// exact, so that HTTP tests need no model.

import { LociError } from "@loci/core";
import type { ChatPrompt, ModelInfo, TextCodec, TokenizeOptions } from "@loci/core";

const controlTexts = ["<|bos|>", "<|start|>", "<|end|>", "[TOOL_CALLS]"] as const;

/** Ids of the control tokens, after the 256 bytes. */
export const controlTokens = { bos: 256, start: 257, end: 258, toolCalls: 259 } as const;

export const byteVocabularySize: number = 256 + controlTexts.length;

/** A model to go with the codec; `overrides` are what a test is about. */
export function byteModel(overrides: Partial<ModelInfo> = {}): ModelInfo {
  return {
    id: "bytes",
    createdUnixSeconds: 1_700_000_000,
    contextTokensMax: 4096,
    vocabularySize: byteVocabularySize,
    architecture: "bytes",
    toolCallFormat: "hermes",
    ...overrides,
  };
}

export const byteCodec: TextCodec = {
  encodeChat: (chat) => Promise.resolve(Int32Array.from(chatTokens(chat))),
  tokenize: (text, options) => Promise.resolve(Int32Array.from(textTokens(text, options))),
  detokenize: (tokens) => {
    const bytes = Buffer.from([...tokens].filter((token) => token < 256));
    return Promise.resolve(bytes.toString("utf8"));
  },
  tokenBytes: (tokenId) => (tokenId < 256 ? Uint8Array.of(tokenId) : new Uint8Array(0)),
  grammarForSchema: (schema) => {
    // Stands for a compiler with one gap: it does not know `not`.
    if (JSON.stringify(schema).includes('"not"')) {
      throw new LociError("unsupported_schema", "The keyword 'not' cannot be enforced.");
    }
    return `root ::= object # ${JSON.stringify(schema)}\nobject ::= "{" [^}]* "}"\n`;
  },
  checkGrammar: (grammar) => {
    if (!/^root\s*::=/m.test(grammar)) {
      throw new LociError("invalid_request", "The grammar has no rule 'root'.");
    }
  },
};

/** The tokens of `text` as an answer: its UTF-8 bytes. */
export function byteTokens(text: string): number[] {
  return [...Buffer.from(text, "utf8")];
}

function textTokens(text: string, options: TokenizeOptions): number[] {
  const bos = options.addSpecial ? [controlTokens.bos] : [];
  if (!options.parseSpecial) return [...bos, ...byteTokens(text)];
  const pattern = new RegExp(`(${controlTexts.map(escapeRegExp).join("|")})`);
  const pieces = text.split(pattern).flatMap((piece) => {
    const control = controlTexts.findIndex((name) => name === piece);
    return control === -1 ? byteTokens(piece) : [256 + control];
  });
  return [...bos, ...pieces];
}

function escapeRegExp(text: string): string {
  return text.replace(/[[\]|<>]/g, String.raw`\$&`);
}

function* chatTokens(chat: ChatPrompt): Generator<number> {
  yield controlTokens.bos;
  if (chat.tools !== null) yield* byteTokens(JSON.stringify(chat.tools));
  for (const { role, content, toolCalls } of chat.messages) {
    yield controlTokens.start;
    yield* byteTokens(`${role}\n${content ?? ""}${toolCalls ? JSON.stringify(toolCalls) : ""}`);
    yield controlTokens.end;
  }
  if (chat.addGenerationPrompt) yield controlTokens.start;
}
