// What the events of one generation tell of its life: when it waited, read its prompt and wrote its
// answer. Where the engine itself remembers the request's story, that is told instead: it knows more.

import type { GenerationEvent, RequestStory } from "@loci/core";
import type { SpanAttributes, SpanPhase } from "./span.ts";

export class PhaseWatch {
  readonly #sinceMs: number;
  #startedMs: number | null = null;
  #firstTokenMs: number | null = null;
  #lastTokenMs: number | null = null;
  #promptTokens = 0;
  #cachedTokens = 0;
  #answerTokens = 0;
  #finish: string | null = null;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  take(event: GenerationEvent, nowMs: number): void {
    if (event.type === "started") {
      this.#startedMs ??= nowMs;
      this.#promptTokens = event.promptTokens;
      this.#cachedTokens = event.cachedTokens;
    } else if (event.type === "token") {
      this.#answerTokens++;
      this.#firstTokenMs ??= nowMs;
      this.#lastTokenMs = nowMs;
    } else {
      this.#finish = event.reason;
      this.#promptTokens = event.usage.promptTokens;
      this.#cachedTokens = event.usage.cachedTokens;
    }
  }

  /** In the words of OpenTelemetry's conventions for generative AI, where they have one. */
  attributes(): SpanAttributes {
    const first = this.#seconds(this.#firstTokenMs);
    const last = this.#seconds(this.#lastTokenMs);
    const between =
      first === null || last === null || this.#answerTokens < 2
        ? null
        : (last - first) / (this.#answerTokens - 1);
    return {
      "gen_ai.usage.input_tokens": this.#promptTokens,
      "gen_ai.usage.output_tokens": this.#answerTokens,
      "gen_ai.usage.cache_read.input_tokens": this.#cachedTokens,
      "gen_ai.response.finish_reasons": [this.#finish ?? "cancelled"],
      ...(first !== null && { "gen_ai.server.time_to_first_token": first }),
      ...(between !== null && { "gen_ai.server.time_per_output_token": between }),
    };
  }

  phases(nowMs: number): readonly SpanPhase[] {
    const end = (nowMs - this.#sinceMs) / 1000;
    const started = this.#seconds(this.#startedMs);
    const first = this.#seconds(this.#firstTokenMs);
    const computed = this.#promptTokens - this.#cachedTokens;
    const all = [
      phase("waiting", 0, started ?? end, 0),
      started === null ? null : phase("prefill", started, first ?? end, computed),
      first === null ? null : phase("decode", first, end, this.#answerTokens),
    ];
    return all.filter((each) => each !== null);
  }

  #seconds(atMs: number | null): number | null {
    return atMs === null ? null : (atMs - this.#sinceMs) / 1000;
  }
}

export function storyPhases({ phases }: RequestStory): readonly SpanPhase[] {
  return phases.map(({ phase: name, startSeconds, endSeconds, tokens, note }) => ({
    name,
    startSeconds,
    endSeconds,
    attributes: { "loci.tokens": tokens, ...(note !== null && { "loci.note": note }) },
  }));
}

export function storyAttributes(story: RequestStory): SpanAttributes {
  const { predicted } = story;
  return {
    "loci.prompt.device_tokens": story.fromDevice,
    "loci.prompt.host_tokens": story.fromHost,
    "loci.prompt.disk_tokens": story.fromDisk,
    "loci.prompt.peer_tokens": story.fromPeer,
    "loci.prompt.recomputed_tokens": story.recomputedTokens,
    ...(predicted !== null && {
      "loci.predicted.tokens_low": predicted.low,
      "loci.predicted.tokens_median": predicted.median,
      "loci.predicted.tokens_high": predicted.high,
    }),
  };
}

function phase(name: string, startSeconds: number, endSeconds: number, tokens: number): SpanPhase {
  return { name, startSeconds, endSeconds, attributes: { "loci.tokens": tokens } };
}
