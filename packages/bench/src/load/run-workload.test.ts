import { systemClock } from "@loci/core";
import { Agent } from "undici";
import { describe, expect, test } from "vitest";
import { llamaServerDialect, openaiDialect, type Dialect } from "./dialect.ts";
import { runWorkload, type RequestRecord } from "./run-workload.ts";
import { runFigures } from "./serve-metrics.ts";
import { startTestServer, type Misbehaviour } from "./test-server.ts";
import { planWorkload, type WorkloadShape } from "./workload.ts";

const shape: WorkloadShape = {
  conversations: 3,
  turns: 4,
  systemTokens: 20,
  messageTokens: 7,
  answerTokens: 5,
  startsPerSecond: 100,
  thinkSeconds: 0.005,
  tokenIds: { low: 10, high: 8000 },
  seed: 4,
};

async function play(
  dialect: Dialect,
  misbehaviour: Misbehaviour = "none",
): Promise<readonly RequestRecord[]> {
  await using server = await startTestServer(misbehaviour);
  const dispatcher = new Agent();
  const reported: RequestRecord[] = [];
  const records = await runWorkload(
    { baseUrl: server.baseUrl, dialect, dispatcher, clock: systemClock },
    {
      model: "test",
      plans: planWorkload(shape),
      deadlineMs: 10_000,
      onRequest: (record) => reported.push(record),
    },
  );
  await dispatcher.destroy();
  expect(new Set(reported)).toEqual(new Set(records));
  return records;
}

describe.each([openaiDialect, llamaServerDialect])("$name", (dialect) => {
  test("histories grow with the actual answers, and an ideal cache computes the ideal", async () => {
    const records = await play(dialect);
    expect(records).toHaveLength(12);
    expect(records.filter((record) => record.error !== null)).toEqual([]);
    const lengths = records.filter((record) => record.conversation === 0);
    expect(lengths.map((record) => record.promptTokens)).toEqual([27, 39, 51, 63]);
    const figures = runFigures(records, 12);
    // 20 shared tokens once, and every user message.
    expect(figures?.unseenPromptTokens).toBe(20 + 3 * 4 * 7);
    expect(figures?.computedToUnseen).toBe(1);
    expect(figures?.outputTokens).toBe(60);
    expect(figures?.requestsFailed).toBe(0);
    expect(figures?.ttftMsP90).toBeGreaterThan(0);
  });

  test.each<[Misbehaviour, RegExp]>([
    ["short answer", /generated 4 tokens, not 5/],
    ["error status", /HTTP 429: .*queue full/],
    ["error event", /device lost/],
    ["hang up", /./],
  ])("%s: the conversation ends and its turns count as failed", async (misbehaviour, reason) => {
    const records = await play(dialect, misbehaviour);
    expect(records).toHaveLength(3);
    for (const record of records) expect(record.error).toMatch(reason);
    expect(runFigures(records, 12)).toBeNull();
  });
});

test("a run past its deadline ends", async () => {
  await using server = await startTestServer();
  const dispatcher = new Agent();
  const records = await runWorkload(
    { baseUrl: server.baseUrl, dialect: openaiDialect, dispatcher, clock: systemClock },
    { model: "test", plans: planWorkload(shape), deadlineMs: 0, onRequest: () => {} },
  );
  await dispatcher.destroy();
  expect(records.some((record) => record.error?.includes("abort") === true)).toBe(true);
});

test("no more requests at the same time than asked for, in the order of the plan", async () => {
  await using server = await startTestServer();
  const dispatcher = new Agent();
  const plans = planWorkload({ ...shape, conversations: 6, turns: 1, startsPerSecond: 1e6 });
  const records = await runWorkload(
    { baseUrl: server.baseUrl, dialect: openaiDialect, dispatcher, clock: systemClock },
    { model: "test", plans, deadlineMs: 10_000, requestsMax: 1, onRequest: () => {} },
  );
  await dispatcher.destroy();
  expect(records.map(({ error }) => error)).toEqual(plans.map(() => null));
  for (const [index, { sendMs, scheduledMs }] of records.entries()) {
    expect(sendMs).toBeGreaterThanOrEqual(records[index - 1]?.endMs ?? 0);
    expect(sendMs).toBeGreaterThanOrEqual(scheduledMs);
  }
});
