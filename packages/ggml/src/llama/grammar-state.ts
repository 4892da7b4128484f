// The state of a grammar while an answer grows, by llama.cpp's grammar functions: which tokens may
// come next, and the step to the next state. The grammar text must have passed `checkGrammar`:
// llama.cpp aborts on some texts and on a token that its grammar does not allow, so `accept`
// asks before it steps.

import { LociError } from "@loci/core";
import koffi from "koffi";
import type { Pointer } from "../pointer.ts";
import { type LlamaFunctions, loadLlama } from "./llama-functions.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** llama_token_data: id, logit, p. */
const candidateBytes = 12;
/** llama_token_data_array: data, size, selected, sorted. */
const arrayBytes = 32;

export class GrammarState implements Disposable {
  readonly #llama: LlamaFunctions;
  readonly #sampler: Pointer;
  readonly #array = new Uint8Array(arrayBytes);

  /** LociError invalid_request when llama.cpp refuses the grammar. */
  constructor(vocabulary: Vocabulary, grammar: string) {
    this.#llama = loadLlama();
    const sampler = this.#llama.grammarInit(vocabulary.pointer, grammar, "root");
    if (sampler === null) {
      throw new LociError("invalid_request", "The grammar cannot be parsed.", { param: "grammar" });
    }
    this.#sampler = sampler;
  }

  /** Which of `tokens` may come next, one flag each. */
  allowed(tokens: ArrayLike<number>): Uint8Array {
    const count = tokens.length;
    const candidates = new DataView(new ArrayBuffer(Math.max(count, 1) * candidateBytes));
    for (let index = 0; index < count; index++) {
      candidates.setInt32(index * candidateBytes, tokens[index] ?? 0, true);
    }
    const array = new DataView(this.#array.buffer);
    array.setBigUint64(0, koffi.address(candidates.buffer), true);
    array.setBigUint64(8, BigInt(count), true);
    array.setBigInt64(16, -1n, true);
    array.setUint8(24, 0);
    this.#llama.samplerApply(this.#sampler, this.#array);
    // llama.cpp marks a token that may not come with a logit of minus infinity.
    return Uint8Array.from({ length: count }, (_, index) =>
      candidates.getFloat32(index * candidateBytes + 4, true) === 0 ? 1 : 0,
    );
  }

  /** Steps past `token`; false (and no step) when the grammar does not allow it. */
  accept(token: number): boolean {
    if (this.allowed([token])[0] !== 1) return false;
    this.#llama.samplerAccept(this.#sampler, token);
    return true;
  }

  [Symbol.dispose](): void {
    this.#llama.samplerFree(this.#sampler);
  }
}
