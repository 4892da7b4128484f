// What the disk keeps of the cache, over kill -9 under load, damaged files, full disks: every token
// that a server with a disk tier ever sends is the one that is computed without any cache.
//
// LOCI_KV_KILLS and LOCI_KV_DAMAGES make it longer.

import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { defined, Random } from "@loci/core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { LociProcess } from "../testing/loci-process.ts";
import { findWrong, referenceAnswers } from "../testing/reference-answers.ts";
import type { ReferenceAnswer } from "../testing/reference-answers.ts";
import { TokenClient } from "../testing/token-client.ts";
import type { TokenAnswer } from "../testing/token-client.ts";

const kills = Number(process.env["LOCI_KV_KILLS"] ?? "20");
const damages = Number(process.env["LOCI_KV_DAMAGES"] ?? "50");
/** Damages between two runs of the server. */
const damagesPerRun = 10;
/** On a busy machine. */
const runMs = 30_000;
const killing = { timeout: 120_000 + runMs * kills };
const damaging = { timeout: 120_000 + (runMs * damages) / damagesPerRun };
const answerTokens = 12;
/** The server dies after at most so many pieces of answers. */
const piecesMax = 180;
const ordinaryTokens = { first: 300, last: 1500 } as const;

const random = new Random(20_26);
/** Conversations of four turns: each prompt begins with the one before. */
const turns: readonly (readonly number[])[] = Array.from({ length: 4 }, () => {
  const tokens = draw(420);
  return [90, 200, 310, 420].map((length) => tokens.slice(0, length));
}).flat();

/** The answers to `turns` without any cache. */
let expected: readonly ReferenceAnswer[] = [];
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loci-kv-disk-"));
  expected = await referenceAnswers(turns, answerTokens);
});

afterAll(() => rm(folder, { recursive: true }));

test(
  `killed ${kills} times under load, it never serves what was half written`,
  killing,
  async () => {
    const path = join(folder, "killed");
    let answered = 0;
    let cached = 0;
    for (let kill = 0; kill < kills; kill++) {
      let pieces = random.integer(1, piecesMax);
      await using loci = serve(onDisk(path));
      const client = new TokenClient(await loci.url(), () => {
        pieces--;
        if (pieces === 0) loci.kill("SIGKILL");
      });
      const answers = await Promise.all(turns.map((prompt) => ask(client, prompt)));
      loci.kill("SIGKILL");
      expectRight(answers);
      for (const { cachedTokens } of answers) {
        answered += Number(cachedTokens !== null);
        cached += cachedTokens ?? 0;
      }
    }
    expect(answered).toBeGreaterThan(0);
    expect(cached).toBeGreaterThan(0);
    await expectAllFromDisk(path);
  },
);

test(`with ${damages} damages to its files, it serves no wrong token`, damaging, async () => {
  const path = join(folder, "damaged");
  await fill(path);
  let noticed = 0;
  for (let done = 0; done < damages; done += damagesPerRun) {
    for (let damage = 0; damage < damagesPerRun; damage++) await damageOne(path);
    await using loci = serve(onDisk(path));
    const client = new TokenClient(await loci.url());
    const answers = await Promise.all(turns.map((prompt) => ask(client, prompt)));
    expectRight(answers);
    for (const { cachedTokens } of answers) expect(cachedTokens).not.toBeNull();
    noticed += await client.metric('loci_kv_failed_moves_total{tier="disk",direction="restore"}');
    await stop(loci);
  }
  expect(noticed).toBeGreaterThan(0);
});

const canMount = process.platform === "linux" && process.getuid?.() === 0;

test.runIf(canMount)("a full disk keeps nothing, and serving goes on (needs root)", async () => {
  const mounted = join(folder, "small");
  await mkdir(mounted);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", mounted]);
  try {
    await using loci = serve(onDisk(join(mounted, "kv")));
    const client = new TokenClient(await loci.url());
    for (let round = 0; round < 2; round++) {
      const answers = await Promise.all(turns.map((prompt) => ask(client, prompt)));
      expectRight(answers);
    }
    expect(
      await client.metric('loci_kv_failed_moves_total{tier="disk",direction="store"}'),
    ).not.toBe(0);
    await stop(loci);
  } finally {
    execFileSync("umount", ["--lazy", mounted]);
  }
});

test("two keys with the same prompt share nothing, also from disk", async () => {
  const keys = ["--api-key", "alpha", "--api-key", "beta"];
  const path = join(folder, "tenants");
  const prompt = defined(turns.at(-1));
  const wanted = defined(expected.at(-1));
  const other = defined(turns.at(3));
  for (const fromDisk of [false, true]) {
    await using loci = serve([...onDisk(path), ...keys]);
    const client = new TokenClient(await loci.url());
    const request = { prompt, maxTokens: answerTokens };
    const alpha = await client.complete({ ...request, apiKey: "alpha" });
    const beta = await client.complete({ ...request, prompt: other, apiKey: "beta" });
    const betaSame = fromDisk ? null : await client.complete({ ...request, apiKey: "beta" });
    expect(findWrong(wanted, alpha.tokens)).toBeNull();
    expect(alpha.cachedTokens).toBeGreaterThanOrEqual(fromDisk ? 320 : 0);
    expect(beta.cachedTokens).toBeGreaterThanOrEqual(fromDisk ? 320 : 0);
    expect(betaSame?.cachedTokens ?? 0).toBe(0);
    await stop(loci);
  }
  await using loci = serve([...onDisk(path), "--api-key", "gamma"]);
  const client = new TokenClient(await loci.url());
  const gamma = await client.complete({ prompt, maxTokens: answerTokens, apiKey: "gamma" });
  expect(gamma).toEqual({ tokens: wanted.tokens, cachedTokens: 0 });
});

test("a client that goes away and asks the next turn at once gets the right answer", async () => {
  await using loci = serve(onDisk(join(folder, "gone")));
  const url = await loci.url();
  for (let turn = 0; turn + 1 < turns.length; turn++) {
    const gone = new AbortController();
    const leaving = new TokenClient(url, () => gone.abort());
    await leaving.complete({ prompt: defined(turns[turn]), maxTokens: 500 }, gone.signal);
    const next = await ask(new TokenClient(url), defined(turns[turn + 1]));
    expect(findWrong(defined(expected[turn + 1]), next.tokens)).toBeNull();
  }
});

function draw(length: number): number[] {
  const { first, last } = ordinaryTokens;
  return Array.from({ length }, () => random.integer(first, last));
}

/** A device cache too small for all conversations. */
function serve(words: readonly string[]): LociProcess {
  const common = ["serve", "--port", "0", "--threads", "1", "--log-level", "warn"];
  return new LociProcess([...common, "--kv-memory", "3MiB", ...words]);
}

function onDisk(path: string): string[] {
  return ["--kv-disk-path", path, "--kv-disk-size", "64MiB", "--kv-disk-free-floor", "0"];
}

function ask(client: TokenClient, prompt: readonly number[]): Promise<TokenAnswer> {
  return client.complete({ prompt, maxTokens: answerTokens });
}

/** An orderly end: what came to rest is on disk. */
async function stop(loci: LociProcess): Promise<void> {
  loci.kill("SIGTERM");
  expect(await loci.ended).toEqual({ code: 0, signal: null });
}

async function fill(path: string): Promise<void> {
  await using loci = serve(onDisk(path));
  const client = new TokenClient(await loci.url());
  for (const prompt of turns) await ask(client, prompt);
  await stop(loci);
}

/** Answers that were cut off are right as far as they go. */
function expectRight(answers: readonly TokenAnswer[]): void {
  const wrong = answers.map(({ tokens }, index) => findWrong(defined(expected[index]), tokens));
  expect(wrong.filter((problem) => problem !== null)).toEqual([]);
  const whole = answers.filter(({ cachedTokens }) => cachedTokens !== null);
  expect(whole.filter(({ tokens }) => tokens.length !== answerTokens)).toEqual([]);
}

async function expectAllFromDisk(path: string): Promise<void> {
  await fill(path);
  await using loci = serve(onDisk(path));
  const client = new TokenClient(await loci.url());
  const answers: TokenAnswer[] = [];
  for (const prompt of turns) answers.push(await ask(client, prompt));
  expectRight(answers);
  expect(await client.metric('loci_kv_restored_tokens_total{tier="disk"}')).toBeGreaterThan(0);
  await stop(loci);
}

/** Flips a bit of what is written somewhere in the files, or now and then cuts a file off. */
async function damageOne(path: string): Promise<void> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== "lock");
  const { parentPath, name } = defined(files[random.integer(0, files.length - 1)]);
  await using file = await open(join(parentPath, name), "r+");
  const { size } = await file.stat();
  if (random.next() < 0.1) {
    await file.truncate(random.integer(0, size));
    return;
  }
  const byte = Buffer.alloc(1);
  for (let attempt = 0; attempt < 1000; attempt++) {
    const place = random.integer(0, Math.max(0, size - 1));
    await file.read(byte, 0, 1, place);
    // What was never written is nothing to damage.
    if (byte[0] === 0) continue;
    byte[0] = defined(byte[0]) ^ (1 << random.integer(0, 7));
    await file.write(byte, 0, 1, place);
    return;
  }
}
