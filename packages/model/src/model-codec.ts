// Text and token ids of one model: its vocabulary, its chat template, its grammars.

import {
  type ChatPrompt,
  LociError,
  type JsonSpacing,
  type TextCodec,
  type TokenizeOptions,
  type ToolCallFormat,
} from "@loci/core";
import type { TokenText } from "@loci/engine";
import { GrammarState, type Vocabulary } from "@loci/ggml";
import type { ChatTemplate } from "./chat-template/chat-template.ts";
import { checkGrammar } from "./grammar/gbnf-check.ts";
import { gbnfLimits } from "./grammar/gbnf-limits.ts";
import { grammarForSchema } from "./grammar/json-schema-to-gbnf.ts";

export class ModelCodec implements TextCodec, TokenText {
  readonly #vocabulary: Vocabulary;
  readonly #template: ChatTemplate | null;

  constructor(vocabulary: Vocabulary, template: ChatTemplate | null) {
    this.#vocabulary = vocabulary;
    this.#template = template;
  }

  get toolCallFormat(): ToolCallFormat | null {
    return this.#template?.toolCallFormat ?? null;
  }

  async encodeChat(chat: ChatPrompt): Promise<Int32Array> {
    if (this.#template === null) {
      throw new LociError("not_supported", "This model has no chat template.", {
        remedy: "Use /v1/completions, or start with --chat-template-file.",
      });
    }
    const { segments } = await this.#template.render(chat);
    const parts: Int32Array[] = [];
    // The template writes BOS itself where the model wants it, so nothing is added here.
    for (const segment of segments) {
      parts.push(await this.#vocabulary.tokenize(segment, false, true));
    }
    return concatenate(parts);
  }

  tokenize(text: string, options: TokenizeOptions): Promise<Int32Array> {
    return this.#vocabulary.tokenize(text, options.addSpecial, options.parseSpecial);
  }

  detokenize(tokens: Int32Array): Promise<string> {
    for (const token of tokens) {
      if (token >= 0 && token < this.#vocabulary.size) continue;
      throw new LociError("invalid_request", `There is no token ${token}.`, { param: "tokens" });
    }
    return Promise.resolve(this.#vocabulary.detokenize(tokens));
  }

  tokenBytes(tokenId: number): Uint8Array {
    return tokenId < this.#vocabulary.size
      ? this.#vocabulary.tokenBytes(tokenId)
      : new Uint8Array();
  }

  isEndOfGeneration(tokenId: number): boolean {
    return tokenId < this.#vocabulary.size && this.#vocabulary.isEndOfGeneration(tokenId);
  }

  grammarForSchema(schema: unknown, spacing?: JsonSpacing): string {
    return this.#tried(grammarForSchema(schema, spacing));
  }

  checkGrammar(grammar: string): void {
    checkGrammar(grammar, gbnfLimits.madeTextUnitsMax);
    this.#tried(grammar);
  }

  /** llama.cpp has the last word on a grammar, before a request with it is admitted. */
  #tried(grammar: string): string {
    using state = new GrammarState(this.#vocabulary, grammar);
    void state;
    return grammar;
  }
}

function concatenate(parts: readonly Int32Array[]): Int32Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const joined = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
