// A server whose model lives on a device of its own: right answers, blocks in host memory and on
// disk, the latter over a restart; and what is said where there is no such device.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { vulkanForTests } from "@loci/ggml/vulkan-for-tests";
import { afterAll, expect, test } from "vitest";

import { LociProcess, runLoci } from "../testing/loci-process.ts";
import { findWrong, referenceAnswers } from "../testing/reference-answers.ts";
import { TokenClient } from "../testing/token-client.ts";

const { device, note, packages } = vulkanForTests({ exact: true });
const folder = await mkdtemp(join(tmpdir(), "loci-device-"));
afterAll(() => rm(folder, { recursive: true }));

const answerTokens = 4;
/** Of different lengths, and some begin like others. */
const prompts = [40, 75, 120, 120, 200].map((length, index) =>
  Array.from({ length }, (_, place) => 300 + ((place * 37 + (place > 60 ? index : 0)) % 1000)),
);
const memory = ["--kv-memory", "1MiB", "--kv-disk-path", join(folder, "kv")];
const onVulkan = ["--device", "vulkan", "--device-packages", packages];
const words = ["serve", "--port", "0", ...memory, "--kv-disk-free-floor", "0"];

test.skipIf(device === null)(`answers on Vulkan as on the CPU (${note})`, async () => {
  const expected = await referenceAnswers(prompts, answerTokens);
  for (const isRestarted of [false, true]) {
    await using loci = new LociProcess([...words, ...onVulkan]);
    const url = await loci.url();
    const client = new TokenClient(url);
    let cached = 0;
    for (const [index, prompt] of prompts.entries()) {
      const answer = await client.complete({ prompt, maxTokens: answerTokens });
      const reference = expected[index];
      expect(answer.tokens).toHaveLength(answerTokens);
      expect(reference && findWrong(reference, answer.tokens)).toBeNull();
      if (index === 0) cached = answer.cachedTokens ?? 0;
    }
    expect(cached > 0, "the disk kept the first prompt").toBe(isRestarted);
    expect(await client.metric('loci_kv_tier_slots{tier="host"')).toBeGreaterThan(0);
    expect((await runLoci(["ps", "--url", url])).out).toContain(device?.name);
    loci.kill("SIGTERM");
    expect((await loci.ended).code).toBe(0);
  }
});

test("a package that is not installed is named with what installs it", async () => {
  const options = ["--workers", "0", "--device", "cuda", "--device-packages", folder];
  const { code, err } = await runLoci([...words, ...options]);
  expect(code).not.toBe(0);
  expect(err).toContain("npm install --no-save @node-llama-cpp/linux-x64-cuda@");
});
