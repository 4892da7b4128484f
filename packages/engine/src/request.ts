// One request, one quantity: `tokensComputed` catches up with `tokensKnown`.
//
//   0 ........ tokensComputed ........ + tokensScheduled ........ tokensKnown
//   | keys and values in blocks       | this step computes       | not yet |
//
// Prefill moves tokensComputed by a chunk, decoding by one; a prefix hit starts it above zero;
// preemption sets it back to zero; sampling moves tokensKnown. There are no other modes. What a prefix
// hit lacks is a gap of its blocks (see SequenceBlocks): gaps are computed first, in the same steps.

import { assert, defined } from "@loci/core";
import type { GenerationRequest, TokenRange, Usage } from "@loci/core";
import type { LengthPredictor } from "@loci/predict";
import { observeEveryTokens } from "./lengths/answer-forecast.ts";
import type { AnswerForecast } from "./lengths/answer-forecast.ts";
import { openForecast } from "./lengths/open-forecast.ts";
import type { CachedBlock } from "./kv/cached-block.ts";
import type { SequenceBlocks } from "./kv/sequence-blocks.ts";
import type { TokenView } from "./kv/prefix-index.ts";
import { StoryNotes } from "./observation/story-notes.ts";
import type { SampleSpec, TokenText } from "./runner.ts";
import { TextStream } from "./text-stream.ts";
import type { TextEnd } from "./text-stream.ts";

const noTokens = new Int32Array();

export type RequestState = "waiting" | "running" | "finished";

/** Another request is about to compute what this one needs; until then it waits. */
export interface Deferral {
  readonly owner: EngineRequest;
  /** Tokens from the start that both have in common; null: the owner's gaps are what both need. */
  readonly tokens: number | null;
}

export interface RequestContext {
  readonly tokenText: TokenText;
  /** Tokens that a sequence can have at most. */
  readonly contextTokensMax: number;
  /** Order of arrival; unique. */
  readonly arrival: number;
  readonly nowMs: number;
  readonly lengths: LengthPredictor;
  /** The runner reports hidden states, and the predictor reads them. */
  readonly reportsHidden: boolean;
}

export class EngineRequest {
  readonly spec: GenerationRequest;
  readonly arrival: number;
  readonly text: TextStream;
  readonly submittedAtMs: number;
  /** When it was first admitted; null before. */
  startedAtMs: number | null = null;
  firstTokenAtMs: number | null = null;
  state: RequestState = "waiting";
  tokensComputed = 0;
  /** Ranges of tokens that the step in flight computes: ascending, disjoint, not adjacent. */
  readonly scheduled: TokenRange[] = [];
  /** Known tokens found in the cache when it was first admitted; delivered ones included. */
  cachedTokens = 0;
  /** While waiting: tokens that would have to be computed, as far as was known last. */
  tokensMissing: number;
  blocks: SequenceBlocks | null = null;
  /** While waiting: cached blocks that are known to be of use. */
  expected: readonly CachedBlock[] = [];
  /** While waiting: its blocks were looked at for an early restore. */
  prefetched = false;
  deferral: Deferral | null = null;
  /** It was sent back to the queue for lack of memory, and waits to catch up. */
  awaitsRescue = false;
  /** How long its answer is expected to be. */
  readonly forecast: AnswerForecast;
  /** What is written down of its life. */
  readonly story: StoryNotes;
  /** Cancelled while its step is in flight. */
  cancelled = false;
  /** Answer tokens that it came with. */
  readonly delivered: number;
  /** The tokens that it came with end its answer; null: the answer goes on. */
  readonly endedBefore: TextEnd | null;
  #tokens: Int32Array;
  #tokensKnown: number;
  #history: number[] | null = null;
  readonly #reportsHidden: boolean;

  constructor(spec: GenerationRequest, context: RequestContext) {
    this.spec = spec;
    this.arrival = context.arrival;
    this.#reportsHidden = context.reportsHidden;
    this.submittedAtMs = context.nowMs;
    this.story = new StoryNotes(context.nowMs);
    const room = context.contextTokensMax - spec.promptTokens.length;
    this.text = new TextStream(context.tokenText, {
      stop: spec.stop,
      stopTokenIds: spec.stopTokenIds,
      minTokens: spec.minTokens,
      maxTokens: Math.min(spec.maxTokens, room),
      ignoreEos: spec.ignoreEos,
    });
    const delivered = spec.deliveredTokens ?? noTokens;
    this.endedBefore = this.text.replay(delivered, spec.sampling.grammar !== null);
    // Nothing that follows an end is part of the answer.
    this.delivered = this.text.tokens;
    this.#tokens = joined(spec.promptTokens, delivered.subarray(0, this.delivered));
    this.#tokensKnown = this.#tokens.length;
    this.tokensMissing = this.#tokensKnown;
    this.forecast = openForecast(context.lengths, spec, { room, delivered: this.delivered });
  }

  get id(): string {
    return this.spec.id;
  }

  /** Names its conversation within its tenant; null when it belongs to none. */
  get session(): string | null {
    return this.spec.sessionKey ?? null;
  }

  get promptLength(): number {
    return this.spec.promptTokens.length;
  }

  /** Tokens of the answer so far. */
  get generated(): number {
    return this.text.tokens;
  }

  get tokensKnown(): number {
    return this.#tokensKnown;
  }

  /** Tokens that the step in flight computes. */
  get tokensScheduled(): number {
    return this.scheduled.reduce((sum, range) => sum + range.end - range.start, 0);
  }

  /** Where the step in flight leaves the frontier. */
  get frontier(): number {
    return Math.max(this.tokensComputed, this.scheduled.at(-1)?.end ?? 0);
  }

  /** Tokens before the frontier that were neither computed for it nor will be. */
  get tokensReused(): number {
    const gapsScheduled = this.scheduled.reduce(
      (sum, { start, end }) => sum + Math.max(0, Math.min(end, this.tokensComputed) - start),
      0,
    );
    return this.tokensComputed - (this.blocks?.gapTokens ?? 0) - gapsScheduled;
  }

  /** Tokens that still wait for a step. */
  get tokensWanted(): number {
    return this.#tokensKnown - this.frontier + (this.blocks?.gapTokens ?? 0);
  }

  /** End of what the step in flight computes; 0 = nothing. */
  get frontierScheduled(): number {
    return this.scheduled.at(-1)?.end ?? 0;
  }

  get inFlight(): boolean {
    return this.scheduled.length > 0;
  }

  /** Adds to what the current step computes; true when that takes a slice more. */
  schedule(range: TokenRange): boolean {
    const last = this.scheduled.at(-1);
    if (last?.end !== range.start) {
      this.scheduled.push(range);
      return true;
    }
    this.scheduled[this.scheduled.length - 1] = { start: last.start, end: range.end };
    return false;
  }

  /** Whether a slice is needed for a range that starts there. */
  needsSlice(start: number): boolean {
    return this.scheduled.at(-1)?.end !== start;
  }

  /** Prompt and answer so far; `end` of them. Shares memory with the request. */
  view(end: number): TokenView {
    assert(end <= this.#tokensKnown, "a view ends within the known tokens");
    return { tokens: this.#tokens, end };
  }

  /** All but the last known token may come from a cache: its logits are needed. */
  get reusable(): TokenView {
    return this.view(this.#tokensKnown - 1);
  }

  tokensOf(range: TokenRange): Int32Array {
    return this.#tokens.subarray(range.start, range.end);
  }

  /** What to sample after the scheduled tokens; null while there are more known ones. */
  sampleSpec(): SampleSpec | null {
    if (this.tokensWanted > 0) return null;
    this.#history ??= listOf(this.#tokens.subarray(0, this.#tokensKnown));
    return {
      params: this.spec.sampling,
      history: this.#history,
      promptLength: this.promptLength,
      eosBanned: this.text.eosBanned,
      ...(this.#asksForHidden && { wantsHidden: true }),
    };
  }

  /** At the end of the prompt, and every few tokens of the answer. */
  get #asksForHidden(): boolean {
    return this.#reportsHidden && this.generated % observeEveryTokens === 0;
  }

  /** Appends a sampled token. */
  append(tokenId: number): void {
    if (this.#tokensKnown === this.#tokens.length) {
      const tokens = new Int32Array(this.#tokensKnown + Math.max(64, this.#tokensKnown >> 1));
      tokens.set(this.#tokens);
      this.#tokens = tokens;
    }
    this.#tokens[this.#tokensKnown] = tokenId;
    this.#tokensKnown++;
    defined(this.#history, "a token was sampled from a history").push(tokenId);
  }

  /** Prompt tokens found in the cache when it was first admitted. */
  get cachedPromptTokens(): number {
    return Math.min(this.cachedTokens, this.promptLength);
  }

  get usage(): Usage {
    return {
      promptTokens: this.promptLength,
      cachedTokens: this.cachedPromptTokens,
      completionTokens: this.text.tokens,
    };
  }

  checkIntegrity(): void {
    assert(this.tokensComputed >= 0, "token counts are not negative");
    assert(this.tokensWanted >= 0, "no more is computed than is known");
    assert(this.tokensKnown === this.promptLength + this.text.tokens, "the answer is what is text");
    assert((this.state === "running") === (this.blocks !== null), "who runs holds blocks");
    if (this.blocks === null) {
      assert(this.tokensComputed === 0 && !this.inFlight, "who holds no blocks has computed none");
      return;
    }
    assert(this.blocks.tokensHeld === this.frontier, "the blocks hold what was computed");
  }
}

/** The prompt itself when nothing follows it: prompts are long and are not written to. */
function joined(prompt: Int32Array, answer: Int32Array): Int32Array {
  if (answer.length === 0) return prompt;
  const tokens = new Int32Array(prompt.length + answer.length);
  tokens.set(prompt);
  tokens.set(answer, prompt.length);
  return tokens;
}

/** Spreading a typed array takes five times as long. */
function listOf(tokens: Int32Array): number[] {
  const list: number[] = [];
  for (const token of tokens) list.push(token);
  return list;
}
