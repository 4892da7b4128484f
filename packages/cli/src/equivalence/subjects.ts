// The models whose answers are compared: the bundled one, and small random ones of every
// architecture.

import { join } from "node:path";

import { systemClock } from "@loci/core";
import { bundledModelName, bundledModelPath } from "@loci/host";
import { loadModel, writeRandomModel } from "@loci/model";
import type { Device, LoadedModel, RandomModelArchitecture } from "@loci/model";

import { chatConversations, randomConversations } from "./conversations.ts";
import type { Conversation } from "./conversations.ts";

export interface Subject {
  readonly name: string;
  readonly architecture: RandomModelArchitecture;
  readonly bundled: boolean;
  readonly setSize: number;
}

export interface OpenSubject extends AsyncDisposable {
  readonly name: string;
  readonly model: LoadedModel;
  readonly conversations: readonly Conversation[];
}

const architectures: readonly RandomModelArchitecture[] = [
  "llama",
  "qwen2",
  "qwen3",
  "gemma3",
  "phi3",
  "qwen3moe",
];

export const subjects: readonly Subject[] = [
  { name: bundledModelName, architecture: "llama", bundled: true, setSize: 20 },
  ...architectures.map((architecture) => ({
    name: `random ${architecture}`,
    architecture,
    bundled: false,
    setSize: 12,
  })),
];

/** Blocks that a conversation and its answer need at most: what the pool has room for. */
const blocksPerConversation = 24;
const blockTokens = 16;
const seed = 20_26;

/** @param folder for the files of random models */
export async function openSubject(
  subject: Subject,
  folder: string,
  count: number,
  device?: Device,
): Promise<OpenSubject> {
  const { name, architecture, bundled, setSize } = subject;
  const path = bundled ? bundledModelPath() : join(folder, `${architecture}.gguf`);
  const random = bundled
    ? null
    : writeRandomModel(path, { architecture, weightType: "f16", seed: 3 });
  const blocks = blocksPerConversation * setSize * 1.5;
  const blockBytesMax = 512 * 1024;
  const model = await loadModel({
    path,
    clock: systemClock,
    device,
    threads: 1,
    blockTokens,
    kvMemoryBytes: blocks * blockBytesMax,
    contextTokensMax: 512,
  });
  const conversations =
    random === null
      ? await chatConversations(model, count, seed)
      : randomConversations(random.ordinaryTokens, count, seed);
  return { name, model, conversations, [Symbol.asyncDispose]: () => model.close() };
}
