// Conversations as token ids, the same for the same seed: a system prompt that all share, then
// turns of a user message and an answer. Answers are the model's own, so only their length is
// planned; the history of a turn is everything sent and received before it.

import { assert, Random } from "@loci/core";

export interface WorkloadShape {
  readonly conversations: number;
  readonly turns: number;
  readonly systemTokens: number;
  readonly messageTokens: number;
  readonly answerTokens: number;
  /** Conversations begun per second, whatever the server does. */
  readonly startsPerSecond: number;
  /** From the end of an answer to the next message. */
  readonly thinkSeconds: number;
  /** Ids are drawn from [low, high]. */
  readonly tokenIds: { readonly low: number; readonly high: number };
  readonly seed: number;
}

/** The chat workload that servers are compared on. */
export const chatWorkload: Omit<WorkloadShape, "tokenIds" | "seed"> = {
  conversations: 24,
  turns: 5,
  systemTokens: 256,
  messageTokens: 80,
  answerTokens: 64,
  startsPerSecond: 1,
  thinkSeconds: 2,
};

export interface ConversationPlan {
  readonly index: number;
  /** Milliseconds after the start of the run. */
  readonly startMs: number;
  /** The first holds the system prompt, too. */
  readonly messages: readonly (readonly number[])[];
  readonly answerTokens: number;
  readonly thinkMs: number;
  /** By turn; instead of `thinkMs` where it is there. */
  readonly thinkMsOfTurn?: readonly number[];
}

/** Plans every conversation of a run. */
export function planWorkload(shape: WorkloadShape): readonly ConversationPlan[] {
  const { low, high } = shape.tokenIds;
  assert(Number.isInteger(low) && Number.isInteger(high) && low < high, "token ids have a range");
  const random = new Random(shape.seed);
  const draw = (count: number): number[] =>
    Array.from({ length: count }, () => random.integer(low, high));
  const system = draw(shape.systemTokens);
  return Array.from({ length: shape.conversations }, (_, index) => {
    const messages = Array.from({ length: shape.turns }, () => draw(shape.messageTokens));
    return {
      index,
      startMs: (1000 * index) / shape.startsPerSecond,
      messages: [system.concat(messages[0] ?? []), ...messages.slice(1)],
      answerTokens: shape.answerTokens,
      thinkMs: 1000 * shape.thinkSeconds,
    };
  });
}

/** The most tokens one conversation reaches, answer of the last turn included. */
export function contextTokensNeeded(shape: Omit<WorkloadShape, "tokenIds" | "seed">): number {
  return shape.systemTokens + shape.turns * (shape.messageTokens + shape.answerTokens);
}
