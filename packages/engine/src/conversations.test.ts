// The workload of the serving benchmark under a virtual clock: what was ever computed for one turn
// is not computed again for the next.

import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { EngineBench, promptOf } from "./testing/engine-bench.ts";

const turns = 5;
const answerTokens = 64;

interface Conversation {
  history: number[];
  turn: number;
  /** When its next message is sent; infinite while an answer is under way. */
  nextAtMs: number;
  requestId: string | null;
}

/** Sends the messages that are due and notes the answers that are complete. */
function talk(bench: EngineBench, conversations: Conversation[], random: Random): number {
  let unseen = 0;
  for (const conversation of conversations) {
    const { requestId } = conversation;
    if (requestId !== null && bench.eventsOf(requestId).at(-1)?.type === "finished") {
      for (const event of bench.eventsOf(requestId)) {
        if (event.type === "token") conversation.history.push(event.tokenId);
      }
      conversation.requestId = null;
      conversation.turn++;
      conversation.nextAtMs = conversation.turn < turns ? bench.nowMs + 2000 : Infinity;
    }
    if (conversation.nextAtMs > bench.nowMs) continue;
    conversation.nextAtMs = Infinity;
    for (let index = 0; index < 80; index++) conversation.history.push(random.integer(0, 999));
    unseen += 80;
    conversation.requestId = bench.submit({
      prompt: conversation.history,
      maxTokens: answerTokens,
      ignoreEos: true,
    });
  }
  return unseen;
}

describe("24 conversations of 5 turns with one system prompt", () => {
  it("computes at most 3 % more prompt tokens than were never seen before", () => {
    const bench = new EngineBench({ runner: { costMs: [15, 1.5, 1e-5] } });
    const random = new Random(3);
    const systemPrompt = promptOf(263, 8);
    const conversations = Array.from({ length: 24 }, (_, index): Conversation => ({
      history: [...systemPrompt],
      turn: 0,
      nextAtMs: index * 1000,
      requestId: null,
    }));
    let unseen = systemPrompt.length;
    while (conversations.some(({ turn }) => turn < turns)) {
      unseen += talk(bench, conversations, random);
      if (bench.step() === null) bench.nowMs += 10;
    }
    const { computedPromptTokens, preemptions } = bench.engine.snapshot();
    expect(computedPromptTokens / unseen).toBeLessThan(1.03);
    expect([unseen, preemptions]).toEqual([263 + 24 * turns * 80, 0]);
    bench.engine.checkIntegrity();
  });
});
