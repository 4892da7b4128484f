// Whole-model decoding by libllama: what our own graphs are compared with, in tests for their
// logits and in benchmarks for their speed. Never used to serve.

import koffi from "koffi";
import { LociError, assert } from "@loci/core";
import type { Pointer } from "../pointer.ts";
import { type LlamaFunctions, loadLlama } from "./llama-functions.ts";

export interface LlamaOracleOptions {
  readonly path: string;
  readonly contextTokens: number;
  readonly sequencesMax: number;
  readonly threads: number;
  /** Tokens in one call of `decode` at most. */
  readonly batchTokensMax: number;
  /** Tokens computed at once; libllama's default is 512. */
  readonly microBatchTokens?: number;
  /** ggml type ids of the cache; default f16. */
  readonly keyType?: number;
  readonly valueType?: number;
  /** One cache for all sequences, as llama-server's --kv-unified. */
  readonly unified?: boolean;
  /** Repacked weights where they are faster (libllama's default). */
  readonly repack?: boolean;
}

export interface OracleToken {
  readonly token: number;
  readonly position: number;
  readonly sequence: number;
  readonly wantsLogits: boolean;
}

const flashAttentionAuto = -1;
const tensorTypeF16 = 1;

export class LlamaOracle implements Disposable {
  readonly #llama: LlamaFunctions;
  readonly #model: Pointer;
  readonly #context: Pointer;
  readonly vocabularySize: number;

  constructor(options: LlamaOracleOptions) {
    this.#llama = loadLlama();
    const model = this.#llama.modelLoad(options.path, {
      ...this.#llama.modelDefaultParams(),
      use_extra_bufts: options.repack ?? true,
    });
    if (model === null) throw new LociError("model_file_invalid", "libllama cannot load the file.");
    this.#model = model;
    this.vocabularySize = this.#llama.vocabularySize(this.#llama.modelVocabulary(model));
    const context = this.#llama.contextInit(model, {
      ...this.#llama.contextDefaultParams(),
      n_ctx: options.contextTokens,
      n_batch: options.batchTokensMax,
      n_ubatch: options.microBatchTokens ?? 512,
      n_seq_max: options.sequencesMax,
      n_threads: options.threads,
      n_threads_batch: options.threads,
      flash_attn_type: flashAttentionAuto,
      type_k: options.keyType ?? tensorTypeF16,
      type_v: options.valueType ?? tensorTypeF16,
      kv_unified: options.unified ?? false,
    });
    if (context === null) throw new LociError("out_of_memory", "libllama cannot make a context.");
    this.#context = context;
  }

  /** Computes a batch; logits of the tokens that want them are then readable by batch index. */
  decode(tokens: readonly OracleToken[]): void {
    const count = tokens.length;
    const token = Int32Array.from(tokens, (entry) => entry.token);
    const position = Int32Array.from(tokens, (entry) => entry.position);
    const sequenceCount = new Int32Array(count).fill(1);
    const sequence = Int32Array.from(tokens, (entry) => entry.sequence);
    const logits = Int8Array.from(tokens, (entry) => (entry.wantsLogits ? 1 : 0));
    const first = koffi.address(sequence);
    const sequencePointers = BigUint64Array.from(
      { length: count },
      (_, i) => first + BigInt(i * 4),
    );
    const status = this.#llama.decode(this.#context, {
      n_tokens: count,
      token: koffi.address(token),
      embd: null,
      pos: koffi.address(position),
      n_seq_id: koffi.address(sequenceCount),
      seq_id: koffi.address(sequencePointers),
      logits: koffi.address(logits),
    });
    if (status !== 0) throw new LociError("internal", `llama_decode failed (status ${status}).`);
  }

  /** A copy of the logits of the batch's token `index`, which wanted them. */
  logits(index: number): Float32Array {
    const address = this.#llama.logitsAt(this.#context, index);
    assert(address !== null, "this token wanted logits");
    return new Float32Array(koffi.view(address, this.vocabularySize * 4)).slice();
  }

  /** Forgets all sequences. */
  clear(): void {
    this.#llama.memoryClear(this.#llama.memory(this.#context), false);
  }

  /** Forgets positions [from, to) of a sequence; to = -1: to its end. */
  removeFrom(sequence: number, from: number, to = -1): void {
    this.#llama.memorySequenceRemove(this.#llama.memory(this.#context), sequence, from, to);
  }

  /** Shares the first `tokens` positions of `source` with `target`. */
  copySequence(source: number, target: number, tokens: number): void {
    this.#llama.memorySequenceCopy(this.#llama.memory(this.#context), source, target, 0, tokens);
  }

  [Symbol.dispose](): void {
    this.#llama.contextFree(this.#context);
    this.#llama.modelFree(this.#model);
  }
}
