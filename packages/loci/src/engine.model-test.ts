// The library on real weights.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { createEngine } from "./create-engine.ts";

const settings = { threads: 1, kvMemory: "64MiB" };

test("a second turn finds the first one's tokens in the cache; many answers are batched", async () => {
  await using engine = await createEngine(settings);
  const chat = await engine.conversation();
  const first = await chat.ask("Hello, who are you?", { maxTokens: 40, seed: 1 });
  const second = await chat.ask("Name a river.", { maxTokens: 5, seed: 1 });
  const whole = first.usage.promptTokens + first.tokens.length;
  // The last token was sampled, not computed, and blocks that are not full are found in part.
  expect(second.usage.cachedTokens).toBeGreaterThanOrEqual(whole - 1);
  const before = engine.stats();
  const asked = Array.from({ length: 8 }, (_, seed) =>
    engine.complete({ prompt: "One day", maxTokens: 32, ignoreEos: true, seed }),
  );
  const answers = await Promise.all(asked);
  const after = engine.stats();
  expect(answers.every(({ tokens }) => tokens.length === 32)).toBe(true);
  // One after the other it would take 8 × 32 steps.
  expect(after.steps - before.steps).toBeLessThan(100);
});

test("conversations in a file outlive the engine, and a busy file is refused", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loci-library-"));
  const store = `sqlite:${join(folder, "chats.sqlite")}`;
  const data = process.env["XDG_DATA_HOME"];
  process.env["XDG_DATA_HOME"] = folder;
  try {
    {
      await using engine = await createEngine({ ...settings, store });
      const chat = await engine.conversation({ id: "mine", system: "Be short." });
      await chat.ask("Hello", { maxTokens: 8 });
      await expect(createEngine({ ...settings, store })).rejects.toMatchObject({
        code: "storage_unavailable",
      });
    }
    await using engine = await createEngine({ ...settings, store });
    const again = await engine.conversation({ id: "mine" });
    expect((await again.history()).map(({ role }) => role)).toEqual([
      "system",
      "user",
      "assistant",
    ]);
    expect((await again.ask("And?", { maxTokens: 4 })).tokens.length).toBeGreaterThan(0);
  } finally {
    if (data === undefined) delete process.env["XDG_DATA_HOME"];
    else process.env["XDG_DATA_HOME"] = data;
    await rm(folder, { recursive: true });
  }
});

test("a store that cannot be had leaves no engine behind", async () => {
  const kvDiskPath = await mkdtemp(join(tmpdir(), "loci-library-"));
  const wanted = { ...settings, kvDiskPath };
  const refused = createEngine({ ...wanted, store: "redis://nowhere" });
  await expect(refused).rejects.toMatchObject({ code: "config_invalid" });
  // Whoever holds the folder holds it alone.
  const engine = await createEngine(wanted);
  expect((await engine.complete({ prompt: "a", maxTokens: 2 })).tokens.length).toBeGreaterThan(0);
  await engine.close();
  await rm(kvDiskPath, { recursive: true });
});

test("a file that is no model is named, and nothing stays open", async () => {
  const missing = createEngine({ model: "./no-such-model.gguf" });
  await expect(missing).rejects.toMatchObject({ code: "file_unreadable" });
  const wrong = createEngine({ model: import.meta.filename });
  await expect(wrong).rejects.toMatchObject({ code: "model_file_invalid" });
});
