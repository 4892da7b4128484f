// An answer on its way from an engine's chunks to our events.

import { AttemptError } from "@loci/cluster";
import { assert } from "@loci/core";
import type {
  FinishReason,
  GenerationEvent,
  GenerationRequest,
  SampledLogprobs,
  TextCodec,
  TokenLogprob,
} from "@loci/core";
import type {
  ChunkFinish,
  ChunkLogprob,
  ChunkToken,
  EngineChunk,
  PrefillTime,
} from "../dialect/engine-dialect.ts";
import { AnswerText } from "./answer-text.ts";

/** What of a vocabulary is needed to read an engine's answers. */
export interface TokenCodec extends Pick<TextCodec, "tokenBytes" | "tokenize"> {
  /** Absent: it is not known which tokens end an answer. */
  isEndOfGeneration?(tokenId: number): boolean;
}

/** Who keeps count of what an engine does for a request. */
export interface AttemptObserver {
  /** The engine has begun; null where it does not say how much was cached. */
  started(cachedTokens: number | null): void;
  tokens(count: number): void;
  /** Told once, however it ended. */
  ended(outcome: AttemptOutcome): void;
}

export interface AttemptOutcome {
  /** As known at the end; null where the engine does not say. */
  readonly cachedTokens: number | null;
  readonly completionTokens: number;
  /** Of this attempt, as far as they are known. */
  readonly answerTokens: readonly number[];
  /** As the engine measured it; null where it does not say. */
  readonly prefill: PrefillTime | null;
  readonly endedByItself: boolean;
}

export interface AnswerParts {
  readonly request: GenerationRequest;
  /** Cached tokens to tell where the engine says nothing. */
  readonly cachedTokensBelieved: number;
  readonly observer: AttemptObserver;
}

const noBytes = new Uint8Array(0);
const encoder = new TextEncoder();

export class EngineAnswer {
  readonly #codec: TokenCodec;
  readonly #parts: AnswerParts;
  readonly #text: AnswerText;
  readonly #stopTokenIds: ReadonlySet<number>;
  #cachedTokens: number | null = null;
  #prefill: PrefillTime | null = null;
  #completionTokens = 0;
  readonly #answerTokens: number[] = [];
  #isStarted = false;
  #isFinished = false;
  /** What the engine said of the end, or what ended the answer on our side. */
  #finish: ChunkFinish | null = null;
  #stoppedBy: string | number | null = null;

  constructor(codec: TokenCodec, parts: AnswerParts) {
    const { request } = parts;
    this.#codec = codec;
    this.#parts = parts;
    this.#text = new AnswerText({ stop: request.stop, minTokens: request.minTokens });
    this.#stopTokenIds = new Set(request.stopTokenIds);
    // What became certain with delivered tokens was delivered, too.
    for (const tokenId of request.deliveredTokens ?? []) this.#read(tokenId, null);
    if (this.#completionTokens >= request.maxTokens) this.#finish ??= "length";
  }

  /** Nothing more belongs to the answer: it ended on our side, or before it began. */
  get isComplete(): boolean {
    return this.#finish !== null;
  }

  /** The stop string or stop token that ended it; the end of generation is none of them. */
  get stoppedBy(): string | number | null {
    return this.#stoppedBy;
  }

  /** Events of a chunk, in order. */
  async take(chunk: EngineChunk): Promise<readonly GenerationEvent[]> {
    const { request, observer } = this.#parts;
    const events: GenerationEvent[] = [];
    const total = request.promptTokens.length;
    if (chunk.cachedTokens !== null) this.#cachedTokens = Math.min(total, chunk.cachedTokens);
    this.#prefill = chunk.prefill ?? this.#prefill;
    if (chunk.hasStarted) events.push(...this.start());
    const before = this.#completionTokens;
    const told = events.length;
    for (const { tokenId, logprobs } of chunk.tokens) {
      if (this.#finish !== null) break;
      const text = this.#read(tokenId, null);
      events.push({ type: "token", tokenId, text, logprobs: this.#logprobs(logprobs) });
    }
    if (chunk.unnamed !== null) events.push(...(await this.#takeUnnamed(chunk.unnamed)));
    for (const event of events.slice(told)) {
      if (event.type === "token") this.#answerTokens.push(event.tokenId);
    }
    if (this.#completionTokens > before) observer.tokens(this.#completionTokens - before);
    if (chunk.finish !== null) this.#finish ??= chunk.finish;
    return events;
  }

  /** `started`, once. */
  start(): readonly GenerationEvent[] {
    if (this.#isStarted) return [];
    this.#isStarted = true;
    this.#parts.observer.started(this.#cachedTokens);
    const promptTokens = this.#parts.request.promptTokens.length;
    const cachedTokens = this.#cachedTokens ?? this.#parts.cachedTokensBelieved;
    return [{ type: "started", promptTokens, cachedTokens }];
  }

  /** The last event, after the engine's stream ended. Throws where it broke off. */
  end(): readonly GenerationEvent[] {
    if (this.#finish === null || this.#finish === "broken") {
      throw new AttemptError("worker_lost", "The engine broke the answer off.");
    }
    return [...this.start(), this.finish(this.#finish)];
  }

  finish(reason: FinishReason): GenerationEvent {
    assert(!this.#isFinished, "an answer ends once");
    this.#isFinished = true;
    const { request, cachedTokensBelieved } = this.#parts;
    // With a stop string, what was held back is the stop string.
    const text = typeof this.#stoppedBy === "string" ? "" : this.#text.flush();
    return {
      type: "finished",
      reason,
      text,
      stoppedBy: reason === "stop" ? this.#stoppedBy : null,
      usage: {
        promptTokens: request.promptTokens.length,
        cachedTokens: this.#cachedTokens ?? cachedTokensBelieved,
        completionTokens: this.#completionTokens,
      },
    };
  }

  /** Tells the observer; to be called once, whatever happened. */
  close(): void {
    this.#parts.observer.ended({
      cachedTokens: this.#cachedTokens,
      completionTokens: this.#completionTokens,
      answerTokens: this.#answerTokens,
      prefill: this.#prefill,
      endedByItself: this.#finish === "stop" && this.#isFinished,
    });
  }

  /** Tokens whose ids the engine kept for itself; their text is exact, their ids a best guess. */
  async #takeUnnamed(unnamed: NonNullable<EngineChunk["unnamed"]>): Promise<GenerationEvent[]> {
    const options = { addSpecial: false, parseSpecial: false };
    const ids = [...(await this.#codec.tokenize(unnamed.text, options))];
    const known = unnamed.lastTokenId;
    if (known !== null && ids.at(-1) !== known) ids.push(known);
    const events: GenerationEvent[] = [];
    for (const [index, tokenId] of ids.entries()) {
      if (this.#finish !== null) break;
      // The bytes of the text itself, with its last token: guessed ids may say it otherwise.
      const isLast = index === ids.length - 1;
      const text = this.#read(tokenId, isLast ? encoder.encode(unnamed.text) : noBytes);
      events.push({ type: "token", tokenId, text, logprobs: null });
    }
    return events;
  }

  /** Counts a token and returns what text became certain; `bytes` where they are known better. */
  #read(tokenId: number, bytes: Uint8Array | null): string {
    const { request } = this.#parts;
    this.#completionTokens++;
    const mayStop = this.#completionTokens > request.minTokens;
    if (mayStop && this.#stopTokenIds.has(tokenId)) {
      this.#finish = "stop";
      this.#stoppedBy = tokenId;
      return "";
    }
    if (mayStop && !request.ignoreEos && this.#codec.isEndOfGeneration?.(tokenId) === true) {
      this.#finish = "stop";
      return "";
    }
    const step = this.#text.push(bytes ?? this.#codec.tokenBytes(tokenId));
    if (step.stoppedBy !== null) {
      this.#finish = "stop";
      this.#stoppedBy = step.stoppedBy;
    }
    return step.text;
  }

  #logprobs(logprobs: ChunkToken["logprobs"]): SampledLogprobs | null {
    const wanted = this.#parts.request.sampling.logprobsTop;
    if (logprobs === null || wanted === null) return null;
    const withBytes = ({ tokenId, logprob }: ChunkLogprob): TokenLogprob => ({
      tokenId,
      logprob,
      bytes: this.#codec.tokenBytes(tokenId),
    });
    return { ...withBytes(logprobs), top: logprobs.top.slice(0, wanted).map(withBytes) };
  }
}
