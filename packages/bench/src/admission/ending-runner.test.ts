import { systemClock, type GenerationRequest } from "@loci/core";
import { greedySampling } from "@loci/core";
import { HashRunner, LocalService } from "@loci/engine";
import { expect, test } from "vitest";
import { EndingRunner } from "./ending-runner.ts";

const endTokenId = 7;

function request(id: string): GenerationRequest {
  return {
    id,
    tenant: "t",
    promptTokens: Int32Array.from([11, 12, 13, 14, 15].map((token) => token + Number(id))),
    maxTokens: 20,
    minTokens: 0,
    ignoreEos: false,
    stop: [],
    stopTokenIds: [],
    sampling: greedySampling,
  };
}

test("every answer ends at its length, also after its request gave way", async () => {
  // Half of all samples would be the end, and memory is short.
  const inner = new HashRunner({ eosTokenId: endTokenId, eosChance: 0.5, blockCount: 10 });
  const lengths = [1, 2, 9, 17, 20, 30];
  const runner = new EndingRunner({
    runner: inner,
    endTokenId,
    answerTokens: (id) => lengths[Number(id)] ?? 0,
  });
  const service = new LocalService({
    runner,
    tokenText: inner,
    clock: systemClock,
    options: { admission: "paged" },
  });
  const answers = await Promise.all(
    lengths.map(async (_, index) => {
      const tokens: number[] = [];
      const signal = new AbortController().signal;
      for await (const event of service.generate(request(String(index)), signal)) {
        if (event.type === "token") tokens.push(event.tokenId);
      }
      return tokens;
    }),
  );
  const { preemptions } = service.snapshot();
  await service.close({ drain: true });
  expect(preemptions).toBeGreaterThan(0);
  // The last is cut by what its client allows.
  expect(answers.map(({ length }) => length)).toEqual([1, 2, 9, 17, 20, 20]);
  for (const answer of answers.slice(0, 5)) {
    expect(answer.indexOf(endTokenId)).toBe(answer.length - 1);
  }
  expect(answers[5]).not.toContain(endTokenId);
});
