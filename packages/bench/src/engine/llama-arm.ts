// libllama's side of the engine benchmark, in this process: its own graphs and its own cache, one
// stream per sequence as llama-server has by default. Nothing is sampled, which favours it.

import { assert, Random, type Clock } from "@loci/core";
import { LlamaOracle, type OracleToken } from "@loci/ggml";
import { fillChunkTokens, type ArmOptions, type EngineArm } from "./engine-arm.ts";

export class LlamaArm implements EngineArm {
  readonly #oracle: LlamaOracle;
  readonly #clock: Clock;
  readonly #tokenIds: ArmOptions["tokenIds"];
  readonly #random = new Random(1);
  /** Tokens that each sequence holds. */
  readonly #lengths: number[];

  constructor(options: ArmOptions, clock: Clock) {
    const { sequences, contextTokens } = options.room;
    this.#clock = clock;
    this.#tokenIds = options.tokenIds;
    this.#lengths = Array.from({ length: sequences }, () => 0);
    this.#oracle = new LlamaOracle({
      path: options.modelPath,
      // The context is divided among the sequences.
      contextTokens: contextTokens * sequences,
      sequencesMax: sequences,
      threads: options.threads,
      batchTokensMax: 2048,
    });
  }

  prefill(depth: number, tokens: number): Promise<number> {
    this.#fill(depth);
    const batch = this.#tokens({ sequence: 0, position: depth, count: tokens });
    const seconds = this.#timed(() => this.#oracle.decode(batch));
    this.#trim(0, depth);
    return Promise.resolve(seconds);
  }

  decode(sequences: number, depth: number, steps: number): Promise<number> {
    this.#fill(depth);
    for (let sequence = 1; sequence < sequences; sequence++) {
      if (this.#lengths[sequence] === depth) continue;
      this.#trim(sequence, 0);
      // Between streams only whole sequences can be copied; it happens with the next step.
      this.#oracle.copySequence(0, sequence, -1);
      this.#lengths[sequence] = depth;
    }
    this.#oracle.decode(this.#step(sequences, depth));
    const seconds = this.#timed(() => {
      for (let step = 1; step <= steps; step++) {
        this.#oracle.decode(this.#step(sequences, depth + step));
      }
    });
    for (let sequence = 0; sequence < sequences; sequence++) this.#trim(sequence, depth);
    return Promise.resolve(seconds);
  }

  #timed(work: () => void): number {
    const startMs = this.#clock.nowMs();
    work();
    return (this.#clock.nowMs() - startMs) / 1000;
  }

  /** Makes sequence 0 exactly `depth` long. */
  #fill(depth: number): void {
    const length = this.#lengths[0] ?? 0;
    if (length > depth) this.#trim(0, depth);
    for (let position = length; position < depth; position += fillChunkTokens) {
      const count = Math.min(fillChunkTokens, depth - position);
      this.#oracle.decode(this.#tokens({ sequence: 0, position, count }));
    }
    this.#lengths[0] = depth;
  }

  #trim(sequence: number, length: number): void {
    assert(sequence < this.#lengths.length, "the sequence has room");
    this.#oracle.removeFrom(sequence, length);
    this.#lengths[sequence] = length;
  }

  #tokens(run: { sequence: number; position: number; count: number }): OracleToken[] {
    return Array.from({ length: run.count }, (_, index) => ({
      token: this.#random.integer(this.#tokenIds.low, this.#tokenIds.high),
      position: run.position + index,
      sequence: run.sequence,
      wantsLogits: index === run.count - 1,
    }));
  }

  #step(sequences: number, position: number): OracleToken[] {
    return Array.from({ length: sequences }, (_, sequence) =>
      this.#tokens({ sequence, position, count: 1 }),
    ).flat();
  }

  [Symbol.dispose](): void {
    this.#oracle[Symbol.dispose]();
  }
}
