// Pulls from a stand-in hub: what is left behind, what an interruption costs, what is refused.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { listModels } from "./resolve-model.ts";
import { retryPolicyDefault } from "./retry.ts";
import { InstantClock } from "./testing/instant-clock.ts";
import { errorOf, model, oneTry, repo, small, usePulls } from "./testing/use-pulls.ts";

const world = usePulls();

describe("a pull that goes well", () => {
  test("leaves the model and nothing else", async () => {
    const path = await world.pull();
    expect(readFileSync(path)).toEqual(Buffer.from(model));
    expect(world.left()).toEqual([".gguf", ".json"]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(world.folder, "models")).mode & 0o777).toBe(0o700);
    expect(path).not.toMatch(/maker|Tiny|q8/);
  });

  test("shows the token to the hub and to no one else", async () => {
    await world.pull();
    expect(
      world.hub.listLog.every(({ authorization }) => authorization === "Bearer hf_secret"),
    ).toBe(true);
    expect(world.hub.contentLog.map(({ authorization }) => authorization)).toEqual([null]);
  });

  test("asks for nothing when the model is here", async () => {
    await world.pull();
    const requests = world.hub.listLog.length;
    expect(requests).toBe(3);
    await world.pull({ offline: true });
    expect(world.hub.listLog.length).toBe(requests);
  });

  test("takes a file by its path, also a small one kept in git", async () => {
    world.hub.files.set(repo, [{ path: "a/b/tiny.gguf", content: small, isLarge: false }]);
    const path = await world.pull({}, `hf:${repo}/a/b/tiny.gguf`);
    expect(readFileSync(path)).toEqual(Buffer.from(small));
  });

  test("takes the usual quantisation when none is named, and remembers that", async () => {
    const path = await world.pull({}, `hf:${repo}`);
    expect(readFileSync(path)).toEqual(Buffer.from(model));
    expect(await world.pull({ offline: true }, `hf:${repo}`)).toBe(path);
  });

  test("a trickle arrives whole", async () => {
    world.hub.faults.push({ pieceBytes: 1000 });
    expect(readFileSync(await world.pull())).toEqual(Buffer.from(model));
  });

  test("two pulls of one file share one transfer", async () => {
    // Time that runs ahead of the transfer would make its lock look abandoned.
    const still = { clock: new InstantClock(false) };
    const paths = await Promise.all([world.pull(still), world.pull(still), world.pull(still)]);
    expect(new Set(paths).size).toBe(1);
    expect(world.hub.contentLog.length).toBe(1);
    expect(world.left()).toEqual([".gguf", ".json"]);
    expect(world.written).toContain("Waiting for another process");
  });
});

describe("a pull that is interrupted", () => {
  test("goes on at the byte where the connection broke", async () => {
    world.hub.faults.push({ cutAfter: 100_000 }, { cutAfter: 50_000 });
    expect(readFileSync(await world.pull())).toEqual(Buffer.from(model));
    const etag = world.hub.contentLog[1]?.ifRange;
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
    expect(world.hub.contentLog.map(({ range }) => range)).toEqual([
      null,
      "bytes=100000-",
      "bytes=150000-",
    ]);
    expect(world.percentages()).toEqual(world.percentages().toSorted((a, b) => a - b));
    expect(world.percentages().at(-1)).toBe(100);
  });

  test.each([0, 1, 65_536, model.byteLength - 1])("in a later run, from byte %i", async (byte) => {
    world.hub.faults.push({ cutAfter: byte });
    expect((await errorOf(world.pull(oneTry))).code).toBe("download_failed");
    expect(await listModels(world.options())).toEqual([]);
    expect(world.left()).toContain(".part");
    expect(readFileSync(await world.pull())).toEqual(Buffer.from(model));
    expect(world.hub.contentLog[1]?.range).toBe(byte === 0 ? null : `bytes=${byte}-`);
    expect(world.left()).toEqual([".gguf", ".json"]);
  });

  test("by the user, and goes on later", async () => {
    const stop = new AbortController();
    world.hub.faults.push({ cutAfter: 100_000, atCut: () => stop.abort() });
    const error = await errorOf(world.pull({ signal: stop.signal }));
    expect(error.code).toBe("cancelled");
    expect(readFileSync(await world.pull())).toEqual(Buffer.from(model));
    expect(world.left()).toEqual([".gguf", ".json"]);
  });

  test("gives up after a bounded number of failures", async () => {
    world.hub.faults.push(...Array.from({ length: 20 }, () => ({ cutAfter: 0 })));
    const error = await errorOf(world.pull());
    expect(error.code).toBe("download_failed");
    expect(world.hub.contentLog.length).toBe(retryPolicyDefault.failuresMax);
    const growing = world.clock.pausesMs.slice(0, retryPolicyDefault.failuresMax - 1);
    expect(growing.every((pauseMs, index) => pauseMs <= 500 * 2 ** index)).toBe(true);
    expect(growing.every((pauseMs, index) => pauseMs >= 250 * 2 ** index)).toBe(true);
  });

  test("has more patience while bytes arrive", async () => {
    world.hub.faults.push(...Array.from({ length: 20 }, () => ({ cutAfter: 1000 })));
    expect(readFileSync(await world.pull())).toEqual(Buffer.from(model));
    expect(world.hub.contentLog.length).toBe(21);
  });
});

describe("refusals", () => {
  test("offline", async () => {
    const error = await errorOf(world.pull({ offline: true }));
    expect(error.code).toBe("model_not_found");
    expect(error.remedy).toMatch(/HF_HUB_OFFLINE/);
    expect(world.hub.listLog).toEqual([]);
  });

  test("a full disk, before the transfer", async () => {
    const error = await errorOf(world.pull({ freeBytes: async () => 1000 }));
    expect(error.message).toMatch(/only 1000 are free/);
    expect(world.hub.contentLog).toEqual([]);
  });

  test("a model in several files", async () => {
    const error = await errorOf(world.pull({}, `hf:${repo}:f16`));
    expect(error.code).toBe("not_supported");
    expect(error.remedy).toMatch(/llama-gguf-split/);
  });

  test("a file that is no GGUF file", async () => {
    world.hub.files.set(repo, [{ path: "tiny-q8_0.gguf", content: Buffer.from("not a model") }]);
    expect((await errorOf(world.pull())).code).toBe("model_file_invalid");
    expect(world.left()).toEqual([]);
  });
});
