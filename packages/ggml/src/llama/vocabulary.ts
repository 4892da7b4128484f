// A model's vocabulary: text to token ids and back, by llama.cpp's own functions, so that it is
// the vocabulary the weights were trained with.

import { LociError, assert } from "@loci/core";
import { callAsync } from "../bind.ts";
import type { Pointer } from "../pointer.ts";
import { type LlamaFunctions, loadLlama } from "./llama-functions.ts";

/** Texts up to this many bytes are tokenised on the calling thread: faster than a hand-over. */
const syncBytesMax = 4096;

/** Longest text that is handed to the native tokenizer. */
const textBytesMax = 16 * 1024 * 1024;

export class Vocabulary implements Disposable {
  readonly #llama: LlamaFunctions;
  readonly #model: Pointer;
  readonly #vocabulary: Pointer;
  readonly size: number;
  readonly #pieces: (Uint8Array | undefined)[];

  /** Loads only the vocabulary of a GGUF file, which must have passed `checkVocabulary`. */
  constructor(path: string) {
    this.#llama = loadLlama();
    const params = { ...this.#llama.modelDefaultParams(), vocab_only: true };
    const model = this.#llama.modelLoad(path, params);
    if (model === null) {
      throw new LociError("model_file_invalid", "llama.cpp cannot read the model's vocabulary.", {
        remedy: "Convert the model again with a current converter.",
      });
    }
    this.#model = model;
    this.#vocabulary = this.#llama.modelVocabulary(model);
    this.size = this.#llama.vocabularySize(this.#vocabulary);
    this.#pieces = Array.from({ length: this.size });
  }

  /** For llama.cpp's grammar functions; valid while this object is. */
  get pointer(): Pointer {
    return this.#vocabulary;
  }

  /** The text of the token that begins a sequence; empty when the model has none. */
  get bosText(): string {
    return this.#text(this.#llama.bos(this.#vocabulary));
  }

  get eosText(): string {
    return this.#text(this.#llama.eos(this.#vocabulary));
  }

  isEndOfGeneration(token: number): boolean {
    return this.#llama.isEndOfGeneration(this.#vocabulary, token);
  }

  isControl(token: number): boolean {
    return this.#llama.isControl(this.#vocabulary, token);
  }

  /** `addSpecial` adds BOS and the like; `parseSpecial` recognises special tokens in the text. */
  async tokenize(text: string, addSpecial: boolean, parseSpecial: boolean): Promise<Int32Array> {
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > textBytesMax) {
      throw new LociError("payload_too_large", "The text is too long to tokenise.");
    }
    const run = async (capacity: number): Promise<Int32Array | number> => {
      const tokens = new Int32Array(capacity);
      const { tokenize } = this.#llama;
      const args = [this.#vocabulary, bytes, bytes.length, tokens, capacity] as const;
      const count =
        bytes.length <= syncBytesMax
          ? tokenize(...args, addSpecial, parseSpecial)
          : await callAsync(tokenize, ...args, addSpecial, parseSpecial);
      return count < 0 ? -count : tokens.slice(0, count);
    };
    // Nearly every token stands for at least a byte; where not, llama.cpp says how many there are.
    const first = await run(bytes.length + 16);
    const tokens = typeof first === "number" ? await run(first) : first;
    if (typeof tokens === "number")
      throw new LociError("internal", "The tokenizer gave no tokens.");
    return tokens;
  }

  /** The bytes a token stands for; empty for control tokens. */
  tokenBytes(token: number): Uint8Array {
    assert(token >= 0 && token < this.size, "a token of this vocabulary");
    return (this.#pieces[token] ??= this.#pieceOf(token, false));
  }

  /** Texts of all control tokens, as a template may write them. */
  specialTexts(): string[] {
    const texts: string[] = [];
    for (let token = 0; token < this.size; token++) {
      if (!this.#llama.isControl(this.#vocabulary, token)) continue;
      const text = this.#text(token);
      if (text.length > 1) texts.push(text);
    }
    return texts;
  }

  detokenize(tokens: Int32Array): string {
    const decoder = new TextDecoder();
    let text = "";
    for (const token of tokens) text += decoder.decode(this.tokenBytes(token), { stream: true });
    return text + decoder.decode();
  }

  [Symbol.dispose](): void {
    this.#llama.modelFree(this.#model);
  }

  #text(token: number): string {
    return token < 0 ? "" : new TextDecoder().decode(this.#pieceOf(token, true));
  }

  #pieceOf(token: number, special: boolean): Uint8Array {
    const buffer = new Uint8Array(64);
    const length = this.#llama.tokenToPiece(this.#vocabulary, token, buffer, 64, 0, special);
    if (length >= 0) return buffer.slice(0, length);
    const larger = new Uint8Array(-length);
    this.#llama.tokenToPiece(this.#vocabulary, token, larger, -length, 0, special);
    return larger;
  }
}
