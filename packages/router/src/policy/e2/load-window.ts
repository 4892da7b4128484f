// What was sent to each worker within Preble's window H, in seconds: history on purpose, as where a
// prefix goes has effects for long after the load of the moment has changed.

import { assert, BoundedQueue } from "@loci/core";

/** Requests remembered per worker; beyond it the oldest stop counting early. */
const requestsMax = 65_536;

interface Sent {
  readonly atMs: number;
  readonly prefillSeconds: number;
}

interface Answer {
  readonly atMs: number;
  readonly tokens: number;
}

export class LoadWindow {
  readonly #windowMs: number;
  readonly #sent = new BoundedQueue<Sent>(requestsMax);
  readonly #answers = new BoundedQueue<Answer>(requestsMax);
  #oldestSent: Sent | null = null;
  #oldestAnswer: Answer | null = null;
  #prefillSeconds = 0;
  #answerTokens = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Requests sent here in the window. */
  get requests(): number {
    return this.#sent.size + (this.#oldestSent === null ? 0 : 1);
  }

  /** What their prompts took, without what was cached. */
  get prefillSeconds(): number {
    return Math.max(0, this.#prefillSeconds);
  }

  /** Mean length of the answers that ended here in the window; null without any. */
  get answerTokensMean(): number | null {
    const answers = this.#answers.size + (this.#oldestAnswer === null ? 0 : 1);
    return answers === 0 ? null : this.#answerTokens / answers;
  }

  sent(prefillSeconds: number, atMs: number): void {
    if (this.#sent.size >= requestsMax) this.#dropSent();
    this.#sent.tryPush({ atMs, prefillSeconds });
    this.#prefillSeconds += prefillSeconds;
    this.#oldestSent ??= this.#sent.tryShift();
  }

  answered(tokens: number, atMs: number): void {
    if (this.#answers.size >= requestsMax) this.#dropAnswer();
    this.#answers.tryPush({ atMs, tokens });
    this.#answerTokens += tokens;
    this.#oldestAnswer ??= this.#answers.tryShift();
  }

  expire(nowMs: number): void {
    const before = nowMs - this.#windowMs;
    while (this.#oldestSent !== null && this.#oldestSent.atMs <= before) this.#dropSent();
    while (this.#oldestAnswer !== null && this.#oldestAnswer.atMs <= before) this.#dropAnswer();
  }

  checkIntegrity(): void {
    assert(this.#oldestSent !== null || this.#sent.size === 0, "the oldest is at hand");
    assert(this.requests > 0 || Math.abs(this.#prefillSeconds) < 1e-6, "sums are of what is there");
  }

  #dropSent(): void {
    this.#prefillSeconds -= this.#oldestSent?.prefillSeconds ?? 0;
    this.#oldestSent = this.#sent.tryShift();
    if (this.#oldestSent === null) this.#prefillSeconds = 0;
  }

  #dropAnswer(): void {
    this.#answerTokens -= this.#oldestAnswer?.tokens ?? 0;
    this.#oldestAnswer = this.#answers.tryShift();
  }
}
