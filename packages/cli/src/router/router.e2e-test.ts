// `loci router` before `loci worker`s, as real processes: one key, any worker, and workers and routers
// that come and go.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { NatsServer } from "@loci/nats/testing";
import { bundledModelPath } from "@loci/host";
import { afterEach, expect, test } from "vitest";

import { LociProcess } from "../testing/loci-process.ts";
import { streamCompletion } from "../testing/stream-completion.ts";

const timeout = 90_000;
const small = ["--threads", "1", "--kv-memory", "64MiB", "--log-level", "warn"];
const routerWords = [
  ..."router --port 0 --store none --log-level warn --served-model-name loci-demo".split(" "),
  "--tokenizer",
  bundledModelPath(),
];
const running: AsyncDisposable[] = [];
const body = { prompt: "One day", max_tokens: 300, ignore_eos: true, temperature: 0 };

afterEach(async () => {
  for (const each of running.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

function start(words: readonly string[]): LociProcess {
  const process = new LociProcess(words);
  running.push(process);
  return process;
}

async function makeKey(text = "a-secret-of-the-cluster"): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "loci-router-"));
  running.push({ [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) });
  const path = join(folder, "key");
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

async function startWorker(key: string, port = 0): Promise<{ worker: LociProcess; url: string }> {
  const words = ["worker", "--port", String(port), "--worker-id", `worker-${running.length}`];
  const worker = start([...words, "--cluster-key-file", key, ...small]);
  const match = await worker.sees(/serves loci-demo at (http:\/\/\S+)/);
  return { worker, url: match[1] ?? "" };
}

function startRouter(key: string, urls: readonly string[]): LociProcess {
  const where = urls.flatMap((url) => ["--worker-url", url]);
  return start([...routerWords, "--worker-engine", "loci", "--cluster-key-file", key, ...where]);
}

test(
  "a router answers from its workers, and an answer outlives the worker that began it",
  async () => {
    const key = await makeKey();
    const [one, other] = await Promise.all([startWorker(key), startWorker(key)]);
    const router = startRouter(key, [one.url, other.url]);
    const url = await router.url();
    const whole = await streamCompletion(url, body);
    expect(whole.tokenIds).toHaveLength(300);
    // Whoever it is that answers: both end, one after the other, and come back at once.
    let killed = 0;
    const answer = await streamCompletion(url, body, (tokens) => {
      if (tokens < 40 || killed > 0) return;
      killed = tokens;
      one.worker.kill("SIGKILL");
    });
    expect(answer.tokenIds).toEqual(whole.tokenIds);
    // The list still names the dead one: requests go to the other.
    const again = await streamCompletion(url, body);
    expect(again.tokenIds).toEqual(whole.tokenIds);
    // Routers are any number, and know the caches from the workers.
    const second = startRouter(key, [one.url, other.url]);
    const warm = await fetch(`${await second.url()}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...body, prompt: "One day ".repeat(60), max_tokens: 1 }),
    });
    expect(warm.status).toBe(200);
  },
  timeout,
);

test(
  "a worker answers nobody without the cluster's key, nor with another one",
  async () => {
    const { url } = await startWorker(await makeKey());
    const asks = ["/worker/snapshot", "/worker/events", "/worker/generate"].map((path) =>
      fetch(`${url}${path}`, { headers: { authorization: "Bearer another-secret-of-16" } }),
    );
    for (const answer of await Promise.all(asks)) expect([401, 404, 405]).toContain(answer.status);
    expect((await fetch(`${url}/live`)).status).toBe(200);
  },
  timeout,
);

test(
  "over NATS a worker is found when it comes, and answers on when NATS is gone",
  async () => {
    const key = await makeKey();
    const nats = await NatsServer.create();
    running.push({ [Symbol.asyncDispose]: () => nats.dispose() });
    const common = ["--nats", nats.url, "--cluster-key-file", key];
    const router = start([...routerWords, ...common]);
    start(["worker", "--port", "0", "--worker-id", "w1", ...small, ...common]);
    const url = await router.url();
    const whole = await streamCompletion(url, body);
    await nats.kill();
    const again = await streamCompletion(url, body);
    expect(again.tokenIds).toEqual(whole.tokenIds);
  },
  timeout,
);

test(
  "a worker that is told to stop finishes what it has; a new one at its address is taken up",
  async () => {
    const key = await makeKey();
    const { worker, url: workerUrl } = await startWorker(key);
    const url = await startRouter(key, [workerUrl]).url();
    const whole = await streamCompletion(url, body);
    const answer = await streamCompletion(url, body, (tokens) => {
      if (tokens === 1) worker.kill("SIGTERM");
    });
    expect(answer.tokenIds).toEqual(whole.tokenIds);
    expect((await worker.ended).code).toBe(0);
    await startWorker(key, Number(new URL(workerUrl).port));
    const again = await streamCompletion(url, body);
    expect(again.tokenIds).toEqual(whole.tokenIds);
  },
  timeout,
);
