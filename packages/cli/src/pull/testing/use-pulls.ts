// A stand-in hub with a small model, an empty folder, and pulls between the two: new for each test.

import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defined, LociError, uniformAt } from "@loci/core";
import { encodeGguf } from "@loci/ggml";
import { afterEach, beforeEach } from "vitest";
import { parseModelReference, type HubReference } from "../model-reference.ts";
import { pullModel } from "../pull-model.ts";
import type { PullOptions } from "../pull-options.ts";
import { retryPolicyDefault } from "../retry.ts";
import { InstantClock } from "./instant-clock.ts";
import { StandInHub } from "./stand-in-hub.ts";

const noise = Uint8Array.from({ length: 300_000 }, (_, index) => uniformAt(1, index) * 256);

/** What `text` names: a valid file of noise. */
export const model: Uint8Array = encodeGguf({
  metadata: new Map([["general.architecture", { type: "string", value: "llama" }]]),
  tensors: [{ name: "t", type: 24, dimensions: [noise.byteLength], data: noise }],
});
export const small: Uint8Array = encodeGguf({ metadata: new Map(), tensors: [] });
export const repo = "maker/Tiny-GGUF";
export const text = "hf:maker/Tiny-GGUF:q8_0";

/** Options of a pull that gives up at the first failure. */
export const oneTry: Partial<PullOptions> = {
  retries: { ...retryPolicyDefault, failuresMax: 1 },
};

/** One test's hub and folder. */
export class PullWorld {
  #hub: StandInHub | null = null;
  folder = "";
  written = "";
  clock: InstantClock = new InstantClock();
  #names = 0;

  get hub(): StandInHub {
    return defined(this.#hub);
  }

  async open(): Promise<void> {
    this.#hub = await StandInHub.start();
    this.#hub.files.set(repo, [
      { path: "README.md", content: Buffer.from("# Tiny"), isLarge: false },
      { path: "tiny-q4_0.gguf", content: small },
      { path: "tiny-q8_0.gguf", content: model },
      { path: "tiny-f16-00001-of-00002.gguf", content: small },
    ]);
    this.folder = mkdtempSync(join(tmpdir(), "loci-pull-"));
    this.written = "";
    this.clock = new InstantClock();
    this.#names = 0;
  }

  /** Stops the hub before the test ends. */
  async stopHub(): Promise<void> {
    const hub = this.#hub;
    this.#hub = null;
    await hub?.[Symbol.asyncDispose]();
  }

  async close(): Promise<void> {
    await this.stopHub();
    rmSync(this.folder, { recursive: true });
  }

  options(changes: Partial<PullOptions> = {}): PullOptions {
    return {
      modelsFolder: join(this.folder, "models"),
      hubUrl: this.#hub?.url ?? "",
      token: "hf_secret",
      offline: false,
      clock: this.clock,
      seed: 1,
      uniqueName: () => `name-${this.#names++}`,
      retries: retryPolicyDefault,
      signal: new AbortController().signal,
      terminal: { write: (piece) => void (this.written += piece), columns: 80 },
      freeBytes: async () => 1e12,
      ...changes,
    };
  }

  /** Pulls and returns the path of the model. */
  async pull(changes: Partial<PullOptions> = {}, reference: string = text): Promise<string> {
    return (await pullModel(hubReference(reference), this.options(changes))).path;
  }

  /** Files in the models folder by their extension; ids are hashes. */
  left(): readonly string[] {
    const models = join(this.folder, "models");
    if (!existsSync(models)) return [];
    return readdirSync(models)
      .map((name) => name.replace(/^[0-9a-f]{32}/, ""))
      .toSorted();
  }

  /** The bar's percentages in the order they were drawn. */
  percentages(): readonly number[] {
    return [...this.written.matchAll(/ (\d+)%/g)].map((match) => Number(match[1]));
  }
}

/** A world that is opened before and closed after each test of the file. */
export function usePulls(): PullWorld {
  const world = new PullWorld();
  beforeEach(() => world.open());
  afterEach(() => world.close());
  return world;
}

export function hubReference(reference: string): HubReference {
  const parsed = parseModelReference(reference);
  if (parsed.kind !== "hub") throw new Error("a hub reference");
  return parsed;
}

/** The typed error a promise ends with. Throws when it ends otherwise. */
export async function errorOf(promise: Promise<unknown>): Promise<LociError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof LociError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
