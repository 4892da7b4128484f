// The part of libllama's C interface that loci uses: vocabularies and grammars when serving, and
// whole-model decoding as the oracle of tests and the peer of benchmarks.

import koffi from "koffi";
import { findBinaryPackage } from "../binary-package.ts";
import { type Prototypes, bindFunctions } from "../bind.ts";
import { loadGgml, openLibrary } from "../load-ggml.ts";
import type { Pointer } from "../pointer.ts";

type P = Pointer;

/** The fields of llama_model_params that loci sets; the rest keep their defaults. */
export interface LlamaModelParams {
  vocab_only: boolean;
  use_extra_bufts: boolean;
}

/** The fields of llama_context_params that loci sets; the rest keep their defaults. */
export interface LlamaContextParams {
  n_ctx: number;
  n_batch: number;
  n_ubatch: number;
  n_seq_max: number;
  n_threads: number;
  n_threads_batch: number;
  flash_attn_type: number;
  type_k: number;
  type_v: number;
  kv_unified: boolean;
}

export interface LlamaFunctions extends Readonly<Record<string, (...args: never[]) => unknown>> {
  backendInit(): void;
  logSet(callback: P, data: null): void;
  modelDefaultParams(): LlamaModelParams;
  modelLoad(path: string, params: LlamaModelParams): P | null;
  modelFree(model: P): void;
  modelVocabulary(model: P): P;
  vocabularySize(vocabulary: P): number;
  isEndOfGeneration(vocabulary: P, token: number): boolean;
  isControl(vocabulary: P, token: number): boolean;
  bos(vocabulary: P): number;
  eos(vocabulary: P): number;
  tokenText(vocabulary: P, token: number): string;
  tokenize(...args: [P, Uint8Array, number, Int32Array | null, number, boolean, boolean]): number;
  tokenToPiece(...args: [P, number, Uint8Array, number, number, boolean]): number;
  detokenize(...args: [P, Int32Array, number, Uint8Array, number, boolean, boolean]): number;
  grammarInit(vocabulary: P, grammar: string, root: string): P | null;
  samplerApply(sampler: P, candidates: P | Uint8Array): void;
  samplerAccept(sampler: P, token: number): void;
  samplerFree(sampler: P): void;
  contextDefaultParams(): LlamaContextParams;
  contextInit(model: P, params: LlamaContextParams): P | null;
  contextFree(context: P): void;
  memory(context: P): P;
  memoryClear(memory: P, data: boolean): void;
  memorySequenceRemove(memory: P, sequence: number, from: number, to: number): boolean;
  memorySequenceCopy(memory: P, source: number, target: number, from: number, to: number): void;
  decode(context: P, batch: LlamaBatch): number;
  logitsAt(context: P, index: number): P;
}

/** llama_batch: addresses of arrays that the caller keeps alive. */
export interface LlamaBatch {
  readonly n_tokens: number;
  readonly token: P;
  readonly embd: null;
  readonly pos: P;
  readonly n_seq_id: P;
  readonly seq_id: P;
  readonly logits: P;
}

const prototypes: Prototypes<LlamaFunctions> = {
  backendInit: "void llama_backend_init()",
  logSet: "void llama_log_set(void * callback, void * data)",
  modelDefaultParams: "llama_model_params llama_model_default_params()",
  modelLoad: "void * llama_model_load_from_file(const char * path, llama_model_params params)",
  modelFree: "void llama_model_free(void * model)",
  modelVocabulary: "void * llama_model_get_vocab(void * model)",
  vocabularySize: "int32_t llama_vocab_n_tokens(void * vocab)",
  isEndOfGeneration: "bool llama_vocab_is_eog(void * vocab, int32_t token)",
  isControl: "bool llama_vocab_is_control(void * vocab, int32_t token)",
  bos: "int32_t llama_vocab_bos(void * vocab)",
  eos: "int32_t llama_vocab_eos(void * vocab)",
  tokenText: "const char * llama_vocab_get_text(void * vocab, int32_t token)",
  tokenize:
    "int32_t llama_tokenize(void * vocab, const void * text, int32_t length, int32_t * tokens, int32_t max, bool special, bool parse)",
  tokenToPiece:
    "int32_t llama_token_to_piece(void * vocab, int32_t token, void * buf, int32_t length, int32_t lstrip, bool special)",
  detokenize:
    "int32_t llama_detokenize(void * vocab, const int32_t * tokens, int32_t n, void * text, int32_t max, bool remove, bool unparse)",
  grammarInit:
    "void * llama_sampler_init_grammar(void * vocab, const char * grammar, const char * root)",
  samplerApply: "void llama_sampler_apply(void * sampler, void * candidates)",
  samplerAccept: "void llama_sampler_accept(void * sampler, int32_t token)",
  samplerFree: "void llama_sampler_free(void * sampler)",
  contextDefaultParams: "llama_context_params llama_context_default_params()",
  contextInit: "void * llama_init_from_model(void * model, llama_context_params params)",
  contextFree: "void llama_free(void * ctx)",
  memory: "void * llama_get_memory(void * ctx)",
  memoryClear: "void llama_memory_clear(void * mem, bool data)",
  memorySequenceRemove: "bool llama_memory_seq_rm(void * mem, int32_t seq, int32_t p0, int32_t p1)",
  memorySequenceCopy:
    "void llama_memory_seq_cp(void * mem, int32_t src, int32_t dst, int32_t p0, int32_t p1)",
  decode: "int32_t llama_decode(void * ctx, llama_batch batch)",
  logitsAt: "void * llama_get_logits_ith(void * ctx, int32_t i)",
};

let loaded: LlamaFunctions | null = null;

/** libllama's functions; loads it once, silent. */
export function loadLlama(): LlamaFunctions {
  loaded ??= load();
  return loaded;
}

function load(): LlamaFunctions {
  const { doNothing } = loadGgml();
  declareStructs();
  const functions = bindFunctions<LlamaFunctions>(
    openLibrary(findBinaryPackage().llama),
    prototypes,
  );
  functions.logSet(doNothing, null);
  functions.backendInit();
  return functions;
}

function declareStructs(): void {
  koffi.struct("llama_model_params", {
    devices: "void *",
    tensor_buft_overrides: "void *",
    n_gpu_layers: "int32_t",
    split_mode: "int",
    load_mode: "int",
    lazy_mode: "int",
    main_gpu: "int32_t",
    tensor_split: "void *",
    progress_callback: "void *",
    progress_callback_user_data: "void *",
    kv_overrides: "void *",
    vocab_only: "bool",
    check_tensors: "bool",
    use_extra_bufts: "bool",
    no_host: "bool",
    no_alloc: "bool",
    load_mtp: "bool",
  });
  koffi.struct("llama_batch", {
    n_tokens: "int32_t",
    token: "void *",
    embd: "void *",
    pos: "void *",
    n_seq_id: "void *",
    seq_id: "void *",
    logits: "void *",
  });
  koffi.struct("llama_context_params", contextParamsFields);
}

const contextParamsFields: Readonly<Record<string, string>> = {
  n_ctx: "uint32_t",
  n_batch: "uint32_t",
  n_ubatch: "uint32_t",
  n_seq_max: "uint32_t",
  n_rs_seq: "uint32_t",
  n_outputs_max: "uint32_t",
  n_outputs_max_per_seq: "uint32_t",
  n_threads: "int32_t",
  n_threads_batch: "int32_t",
  ctx_type: "int",
  rope_scaling_type: "int",
  pooling_type: "int",
  attention_type: "int",
  flash_attn_type: "int",
  rope_freq_base: "float",
  rope_freq_scale: "float",
  yarn_ext_factor: "float",
  yarn_attn_factor: "float",
  yarn_beta_fast: "float",
  yarn_beta_slow: "float",
  yarn_orig_ctx: "uint32_t",
  defrag_thold: "float",
  cb_eval: "void *",
  cb_eval_user_data: "void *",
  type_k: "int",
  type_v: "int",
  abort_callback: "void *",
  abort_callback_data: "void *",
  embeddings: "bool",
  offload_kqv: "bool",
  no_perf: "bool",
  op_offload: "bool",
  swa_full: "bool",
  kv_unified: "bool",
  samplers: "void *",
  n_samplers: "size_t",
  ctx_other: "void *",
};
