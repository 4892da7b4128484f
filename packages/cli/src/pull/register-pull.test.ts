// The verbs as a user types them, against a stand-in hub.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeGguf } from "@loci/ggml";
import { Command } from "commander";
import { expect, test, vi } from "vitest";
import { registerInspect } from "../inspect/register-inspect.ts";
import { registerPull, type ActionHandler } from "./register-pull.ts";
import { StandInHub } from "./testing/stand-in-hub.ts";

test("pull, models, inspect, rm", async () => {
  await using hub = await StandInHub.start();
  const content = encodeGguf({
    metadata: new Map([["general.architecture", { type: "string", value: "llama" }]]),
    tensors: [{ name: "t", type: 0, dimensions: [4], data: new Uint8Array(16) }],
  });
  hub.files.set("maker/Tiny-GGUF", [{ path: "tiny-q8_0.gguf", content }]);
  const folder = mkdtempSync(join(tmpdir(), "loci-verbs-"));
  vi.stubEnv("HF_ENDPOINT", hub.url);
  try {
    const pulled = await run("pull", "hf:maker/Tiny-GGUF:q8_0", "--models-dir", folder);
    expect(pulled).toMatch(/^maker\/Tiny-GGUF\/tiny-q8_0\.gguf\n\/.+\.gguf\n$/);
    const listed: unknown = JSON.parse(await run("models", "--json", "--models-dir", folder));
    expect(listed).toMatchObject({ models: [{ name: "tiny-q8_0", bytes: content.byteLength }] });
    expect(await run("models", "--models-dir", folder)).toMatch(
      /^NAME[^]*\ntiny-q8_0 {2}\d+ B +maker/,
    );
    const report = await run("inspect", "tiny-q8_0", "--json", "--models-dir", folder);
    expect(JSON.parse(report)).toMatchObject({ architecture: "llama", parameters: 4 });
    expect(await run("inspect", "tiny-q8_0", "--tensors", "--models-dir", folder)).toMatch(/16 B/);
    expect(await run("rm", "tiny-q8_0", "--models-dir", folder)).toMatch(/^Removed maker/);
    const facts = {
      name: "tiny-q8_0",
      reference: "maker/Tiny-GGUF/tiny-q8_0.gguf",
      path: expect.stringMatching(/\.gguf$/),
      bytes: content.byteLength,
    };
    for (const verb of [
      ["pull", "hf:maker/Tiny-GGUF:q8_0"],
      ["rm", "tiny-q8_0"],
    ]) {
      const json = await run(...verb, "--json", "--models-dir", folder);
      expect(JSON.parse(json)).toEqual(facts);
    }
    expect(await run("models", "--models-dir", folder)).toBe("No models are pulled yet.\n");
    await expect(run("pull", "tiny-q8_0", "--models-dir", folder)).rejects.toMatchObject({
      code: "config_invalid",
    });
  } finally {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  }
});

/** Runs one command line; returns what it wrote to standard output. */
async function run(...words: string[]): Promise<string> {
  let text = "";
  let exitCode = -1;
  const output = {
    out: (piece: string) => void (text += piece),
    err: () => {},
    coloured: false,
  };
  const handle: ActionHandler =
    (action) =>
    async (...given) => {
      const command = given.at(-1);
      if (command instanceof Command) exitCode = await action(command);
    };
  const program = new Command("loci").exitOverride();
  const knowledge = { supported: () => true, toolCallFormat: () => "none" };
  registerPull(program, output, handle);
  registerInspect(program, output, handle, async () => knowledge);
  await program.parseAsync(words, { from: "user" });
  expect(exitCode).toBe(0);
  return text;
}
