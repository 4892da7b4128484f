// A model file that becomes shorter while it is mapped must cost requests, never the process.

import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { greedySampling, systemClock } from "@loci/core";
import type { QuerySlice } from "@loci/engine";
import { loadModel } from "./load-model.ts";
import { writeRandomModel } from "./testing/random-model.ts";

const directory = mkdtempSync(join(tmpdir(), "loci-guard-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const slice: QuerySlice = {
  requestId: "a",
  tokens: Int32Array.of(1, 2, 3),
  positionStart: 0,
  blockTable: Int32Array.of(0),
  sample: { params: greedySampling, history: [1, 2, 3], promptLength: 3, eosBanned: false },
};

test("a step over a file that shrank fails with model_file_changed", async () => {
  const path = join(directory, "model.gguf");
  writeRandomModel(path, { architecture: "llama", weightType: "f16", seed: 3 });
  const model = await loadModel({
    path,
    clock: systemClock,
    threads: 2,
    kvMemoryBytes: 16 * 1024 * 1024,
  });
  const batch = { copies: [], slices: [slice] };
  expect((await model.runner.execute(batch)).samples).toHaveLength(1);
  truncateSync(path, 4096);
  await expect(model.runner.execute(batch)).rejects.toMatchObject({ code: "model_file_changed" });
  await expect(model.runner.execute(batch)).rejects.toMatchObject({ code: "model_file_changed" });
  await model.close();
});
