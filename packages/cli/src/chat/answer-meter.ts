// How fast an answer came, as seen from here.

import type { Clock } from "@loci/core";

import { formatShare } from "../terminal/units.ts";
import type { AnswerUsage } from "./chat-client.ts";

export interface AnswerSpeed {
  readonly seconds: number;
  /** Until the first text; null when there was none. */
  readonly firstTextSeconds: number | null;
  /** After the first token; null for answers too short to tell. */
  readonly tokensPerSecond: number | null;
}

/** Starts when it is made. */
export class AnswerMeter {
  readonly #clock: Clock;
  readonly #startMs: number;
  #firstMs: number | null = null;
  #lastMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    this.#lastMs = this.#startMs;
  }

  /** A piece of text came. */
  text(): void {
    this.#lastMs = this.#clock.nowMs();
    this.#firstMs ??= this.#lastMs;
  }

  speed(usage: AnswerUsage | null): AnswerSpeed {
    const first = this.#firstMs;
    const streamMs = first === null ? 0 : this.#lastMs - first;
    const tokens = usage?.answerTokens ?? 0;
    return {
      seconds: (this.#clock.nowMs() - this.#startMs) / 1000,
      firstTextSeconds: first === null ? null : (first - this.#startMs) / 1000,
      tokensPerSecond: tokens > 1 && streamMs > 0 ? ((tokens - 1) / streamMs) * 1000 : null,
    };
  }
}

/** One line, e.g. `24 tokens, 85.2 tokens/s, first after 0.21 s; 76% of 120 prompt tokens cached`. */
export function speedLine(usage: AnswerUsage, speed: AnswerSpeed): string {
  const { promptTokens, cachedTokens, answerTokens } = usage;
  const { firstTextSeconds: first, tokensPerSecond: rate } = speed;
  const parts = [
    `${answerTokens} ${answerTokens === 1 ? "token" : "tokens"}`,
    ...(rate === null ? [] : [`${rate.toFixed(1)} tokens/s`]),
    ...(first === null ? [] : [`first after ${first.toFixed(2)} s`]),
  ];
  const cached = cachedTokens === null ? "" : `${formatShare(cachedTokens, promptTokens)} of `;
  const tail = cachedTokens === null ? "prompt tokens" : "prompt tokens cached";
  return `${parts.join(", ")}; ${cached}${promptTokens} ${tail}`;
}
