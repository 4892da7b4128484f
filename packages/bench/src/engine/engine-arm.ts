// What an engine is asked for speed: to compute prompt tokens behind a context, and to decode
// several sequences a step at a time. Each arm answers with seconds; filling the context and the
// first, unmeasured step are not part of them.

/** Room an arm has to make before it is measured. */
export interface ArmRoom {
  readonly sequences: number;
  /** Tokens of one sequence at most. */
  readonly contextTokens: number;
}

export interface EngineArm extends Disposable {
  /** Seconds to compute `tokens` prompt tokens after `depth` others; logits of the last only. */
  prefill(depth: number, tokens: number): Promise<number>;
  /** Seconds for `steps` steps that give each of `sequences`, `depth` long, one more token. */
  decode(sequences: number, depth: number, steps: number): Promise<number>;
}

export type EngineArmName = "loci" | "libllama";

export interface ArmOptions {
  readonly modelPath: string;
  readonly threads: number;
  readonly room: ArmRoom;
  /** Input ids are drawn from this range; any will do, as they cost the same. */
  readonly tokenIds: { readonly low: number; readonly high: number };
}

/** Tokens per call that fills a context. */
export const fillChunkTokens = 512;
