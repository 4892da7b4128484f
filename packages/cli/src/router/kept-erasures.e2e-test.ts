// Deleted while a worker with a disk was away, and the router died: the worker erases it when it is
// back, whichever router sees it then.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { bundledModelPath } from "@loci/host";
import { expect, test } from "vitest";

import {
  blockTokens,
  ConversationCaller,
  isErased,
  sharedLength,
  whereabouts,
} from "../testing/conversation-caller.ts";
import { LociProcess } from "../testing/loci-process.ts";

/** A fleet on one machine: any of its processes may be killed and started anew. */
class Fleet implements AsyncDisposable {
  readonly #folder: string;
  readonly #running = new Set<LociProcess>();
  readonly #urls = new Map<string, string>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<Fleet> {
    const folder = await mkdtemp(join(tmpdir(), "loci-fleet-"));
    await writeFile(join(folder, "key"), "a-secret-of-the-cluster", { mode: 0o600 });
    return new Fleet(folder);
  }

  /** Of a worker's disk tier. */
  kv(id: string): string {
    return join(this.#folder, id);
  }

  /** At the address it had before, if there was one. */
  async worker(id: string): Promise<LociProcess> {
    const port = new URL(this.#urls.get(id) ?? "http://127.0.0.1:0").port || "0";
    const disk = ["--kv-disk-path", this.kv(id), "--kv-disk-free-floor", "0"];
    const memory = ["--kv-memory", "16MiB", "--kv-host-memory", "16MiB", "--threads", "1"];
    const worker = this.#start(["worker", "--port", port, "--worker-id", id, ...disk, ...memory]);
    const match = await worker.sees(/serves loci-demo at (http:\/\/\S+)/);
    this.#urls.set(id, match[1] ?? "");
    return worker;
  }

  /** Over all workers that were started so far. */
  router(): LociProcess {
    const store = ["--store", `sqlite:${join(this.#folder, "conversations.sqlite")}`];
    const words = ["router", "--port", "0", "--tokenizer", bundledModelPath(), ...store];
    const urls = [...this.#urls.values()].flatMap((url) => ["--worker-url", url]);
    return this.#start([...words, "--served-model-name", "loci-demo", ...urls]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#running) await each[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true });
  }

  #start(words: readonly string[]): LociProcess {
    const key = ["--cluster-key-file", join(this.#folder, "key"), "--log-level", "warn"];
    const process = new LociProcess([...words, ...key]);
    this.#running.add(process);
    return process;
  }
}

async function kill(process: LociProcess): Promise<void> {
  process.kill("SIGKILL");
  await process.ended;
}

/** Resolves when the router has so many workers that answer. */
async function sees(url: string, workers: number): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text();
    const alive = /^loci_workers\{health="alive"\} (\d+)/m.exec(text)?.[1];
    if (Number(alive ?? 0) === workers) return;
  }
}

test("what was deleted while a worker was away is erased there, though its routers died", async () => {
  await using fleet = await Fleet.create();
  const home = await fleet.worker("home");
  const first = fleet.router();
  const told: number[][] = [];
  const ids: string[] = [];
  {
    const caller = new ConversationCaller(await first.url());
    for (const name of ["Ada", "Grace", "Barbara"]) {
      const conversation = (await caller.client.conversations.create({})).id;
      // The one that stays begins otherwise: what a worker has not used since its start goes with
      // the beginning that it shares with a deleted one.
      const fields = { conversation, ...(name === "Barbara" && { instructions: "Be brief." }) };
      ids.push(conversation);
      await caller.turn(`My name is ${name}, and I am new here.`, fields);
      told.push((await caller.turn(whereabouts, fields)).tokens);
    }
    for (const tokens of told) await caller.reachesDisk(fleet.kv("home"), tokens);
    await kill(home);
    await sees(await first.url(), 0);
    await caller.client.conversations.delete(ids[0] ?? "");
    await kill(first);
  }
  // Another router has never seen the worker that is away, and knows of it nevertheless.
  await fleet.worker("other");
  const second = fleet.router();
  {
    const { client } = new ConversationCaller(await second.url());
    await client.conversations.delete(ids[1] ?? "");
    await kill(second);
  }
  const [ada = [], grace = [], barbara = []] = told;
  expect(isErased(fleet.kv("home"), ada, barbara)).toBe(false);
  expect(isErased(fleet.kv("home"), grace, barbara)).toBe(false);
  await fleet.worker("home");
  const third = fleet.router();
  const caller = new ConversationCaller(await third.url());
  await sees(await third.url(), 2);
  for (const tokens of [ada, grace]) {
    const kept = Math.ceil(sharedLength(tokens, barbara) / blockTokens) * blockTokens;
    while ((await caller.explain(tokens)).known_tokens > kept);
    expect(isErased(fleet.kv("home"), tokens, barbara)).toBe(true);
  }
  expect((await caller.explain(barbara)).by_tier.disk).toBeGreaterThan(0);
});
