// One set of conversations through one arm: first turns fill the memories, second turns are
// recorded. Also the reference: every second turn alone, under a tenant of its own.

import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { assert, defined, greedySampling, systemClock } from "@loci/core";
import type { GenerationRequest, ServiceSnapshot } from "@loci/core";
import { LocalService } from "@loci/engine";
import type { LoadedModel } from "@loci/model";
import { blockKey, openTiers, tenantKey } from "@loci/tiers";
import type { Tiers } from "@loci/tiers";

import { referenceTokens } from "./arms.ts";
import type { Arm } from "./arms.ts";
import type { Answer } from "./compare-answers.ts";
import type { Conversation } from "./conversations.ts";
import { RecordingRunner } from "./recording-runner.ts";

export interface ArmRun {
  /** One for each conversation. */
  readonly answers: readonly Answer[];
  /** Of the service that answered, from its first moment. */
  readonly snapshot: ServiceSnapshot;
}

const sharedTenant = "everyone";
/** An answer in the first turn: enough for its own end to be cached, too. */
const firstTurnTokens = 2;
/** Any byte that is not what a block held. */
const spoiltByte = 0x35;

/** Second turns with nothing cached, one at a time. */
export async function runReference(
  model: LoadedModel,
  conversations: readonly Conversation[],
): Promise<readonly Answer[]> {
  await using world = await World.open(model, {
    deviceBlocks: model.runner.limits.blockCount,
    hostBytes: 0,
    path: null,
    layerDelayMs: 0,
    admission: "predicted",
  });
  const answers: Answer[] = [];
  for (const [index, { prompt }] of conversations.entries()) {
    const answer = await world.ask(prompt, referenceTokens, `alone-${index}`);
    assert(answer.cachedTokens === 0, "the reference finds nothing");
    answers.push(answer);
  }
  return answers;
}

/** @param folder for the disk tier's files; they are removed at the end */
export async function runArm(
  model: LoadedModel,
  conversations: readonly Conversation[],
  options: { readonly arm: Arm; readonly folder: string },
): Promise<ArmRun> {
  const { arm, folder } = options;
  const sizes = sizesOf(model, conversations, arm);
  const path = arm.disk ? join(folder, randomUUID()) : null;
  const open = (): Promise<World> => World.open(model, { ...sizes, path, ...arm });
  let world = await open();
  try {
    for (const { history } of conversations) {
      await world.ask(history, firstTurnTokens, sharedTenant);
      await world.settled();
    }
    if (arm.restarts) {
      await world[Symbol.asyncDispose]();
      await spoil(model);
      world = await open();
    }
    if (arm.spoils) await spoil(model);
    const answers = await secondTurns(world, conversations, arm);
    return { answers, snapshot: world.service.snapshot() };
  } finally {
    await world[Symbol.asyncDispose]();
    if (path !== null) await rm(path, { recursive: true });
  }
}

async function spoil({ blockContents, runner }: LoadedModel): Promise<void> {
  const bytes = new Uint8Array(blockContents.blockBytes).fill(spoiltByte);
  for (let block = 0; block < runner.limits.blockCount; block++) {
    await blockContents.write(block, bytes);
  }
}

async function secondTurns(
  world: World,
  conversations: readonly Conversation[],
  { together, answerTokens }: Arm,
): Promise<readonly Answer[]> {
  const ask = ({ prompt }: Conversation): Promise<Answer> =>
    world.ask(prompt, answerTokens, sharedTenant);
  if (together) return Promise.all(conversations.map(ask));
  const answers: Answer[] = [];
  for (const conversation of conversations) {
    answers.push(await ask(conversation));
    await world.settled();
  }
  return answers;
}

interface Sizes {
  readonly deviceBlocks: number;
  readonly hostBytes: number;
}

function sizesOf({ kvPool }: LoadedModel, conversations: readonly Conversation[], arm: Arm): Sizes {
  const needs = conversations.map(({ prompt }) =>
    Math.ceil((prompt.length + arm.answerTokens) / kvPool.blockTokens),
  );
  const all = needs.reduce((sum, need) => sum + need, 0);
  const deviceBlocks = Math.max(Math.ceil(all * arm.deviceShare), Math.max(...needs) + 2);
  assert(deviceBlocks <= kvPool.blockCount, "the model was loaded with enough blocks");
  return { deviceBlocks, hostBytes: Math.ceil(all * arm.hostShare) * kvPool.blockBytes };
}

interface WorldOptions extends Sizes, Pick<Arm, "layerDelayMs" | "admission"> {
  /** Folder of the disk tier; null = none. */
  readonly path: string | null;
}

/** One service over the model, with its tiers. */
class World implements AsyncDisposable {
  readonly service: LocalService;
  readonly #runner: RecordingRunner;
  readonly #tiers: Tiers | null;
  #asked = 0;

  private constructor(model: LoadedModel, tiers: Tiers | null, options: WorldOptions) {
    const { deviceBlocks, admission } = options;
    this.#tiers = tiers;
    this.#runner = new RecordingRunner(model, deviceBlocks);
    this.service = new LocalService({
      runner: this.#runner,
      tokenText: model.codec,
      clock: systemClock,
      options: { admission },
      ...(tiers && {
        tiers: {
          mover: tiers.mover,
          hasher: { tenantKey, blockKey },
          blockBytes: model.kvPool.blockBytes,
        },
      }),
    });
  }

  static async open(model: LoadedModel, options: WorldOptions): Promise<World> {
    const { hostBytes, path, layerDelayMs } = options;
    if (hostBytes === 0 && path === null) return new World(model, null, options);
    const bytesMax = 4 * model.kvPool.blockBytes * model.kvPool.blockCount;
    const disk = path && { path, bytesMax, fsync: "never" as const, freeBytesMin: 0 };
    const { kvPool: pool, fingerprint } = model;
    const shared = { pool, fingerprint, layerDelayMs, clock: systemClock };
    const tiers = await openTiers({ ...shared, hostBytes, disk: disk || null });
    return new World(model, tiers, options);
  }

  async ask(promptTokens: Int32Array, maxTokens: number, tenant: string): Promise<Answer> {
    const id = `${this.#asked++}`;
    const logits = this.#runner.watch(id);
    const request = { ...plainRequest, id, tenant, promptTokens, maxTokens };
    const tokens: number[] = [];
    let cachedTokens = 0;
    for await (const event of this.service.generate(request, new AbortController().signal)) {
      if (event.type === "started") ({ cachedTokens } = event);
      if (event.type === "token") tokens.push(event.tokenId);
    }
    assert(tokens.length === maxTokens, "the answer has its full length");
    return { tokens, logits, cachedTokens };
  }

  /** Resolves when nothing moves between the memories. */
  async settled(): Promise<void> {
    while (defined(this.service.snapshot().kvMovesUnderWay) > 0) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.close({ drain: false });
    await this.#tiers?.close();
  }
}

const plainRequest: Omit<GenerationRequest, "id" | "tenant" | "promptTokens" | "maxTokens"> = {
  minTokens: 0,
  ignoreEos: true,
  stop: [],
  stopTokenIds: [],
  sampling: greedySampling,
};
