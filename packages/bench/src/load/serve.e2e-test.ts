// The part of `bench serve` that needs no quiet machine: on the real server, conversations complete
// with the exact work asked for, and hardly a token is computed twice.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@loci/core";
import { afterAll, expect, test } from "vitest";
import { makeModel, tokenIdRange } from "../model-files/bench-models.ts";
import { lociArm } from "./arms.ts";
import { computedBar } from "./serve-comparison.ts";
import { serveRun } from "./serve-run.ts";
import { chatWorkload, contextTokensNeeded } from "./workload.ts";

const folder = mkdtempSync(join(tmpdir(), "bench-serve-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("conversations that share a prompt compute what is new, and little more", async () => {
  const modelPath = join(folder, "tiny.gguf");
  makeModel("tiny-qwen2", "q8_0", modelPath);
  const planned = {
    ...chatWorkload,
    conversations: 8,
    turns: 3,
    startsPerSecond: 20,
    thinkSeconds: 0.05,
  };
  const cores = { serverCores: null, clientCores: null, serverThreads: 1 };
  const contextTokens = contextTokensNeeded(planned);
  const result = await serveRun({
    arm: lociArm({ modelPath, cores, contextTokens, extraArgs: [] }),
    serverCores: null,
    shape: { ...planned, tokenIds: tokenIdRange(modelPath), seed: 1 },
    resultFolder: folder,
    label: "run",
    clock: systemClock,
    progress: () => {},
  });
  expect(result.firstError).toBeNull();
  expect(result.figures?.requestsFailed).toBe(0);
  expect(result.figures?.outputTokens).toBe(8 * 3 * chatWorkload.answerTokens);
  expect(result.figures?.unseenPromptTokens).toBe(256 + 8 * 3 * 80);
  expect(result.figures?.computedToUnseen).toBeLessThanOrEqual(computedBar);
});
