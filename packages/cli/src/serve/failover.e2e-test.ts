// kill -9 of a worker at a random token: the stream goes on from another one, token for token as if
// nothing had happened, for plain, sampled and schema-bound answers alike. A worker that stands still
// is given up in seconds.
//
// LOCI_FAILOVER_KILLS makes it longer.

import { assert, Random } from "@loci/core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { LociProcess } from "../testing/loci-process.ts";
import { childProcesses, processorTicks } from "../testing/child-processes.ts";
import { streamCompletion } from "../testing/stream-completion.ts";
import type { CompletionBody, StreamedCompletion } from "../testing/stream-completion.ts";

const kills = Number(process.env["LOCI_FAILOVER_KILLS"] ?? "9");
const timeout = 60_000 + kills * 15_000;
/** Five seconds of silence until a worker is given up, and the same again for a slow machine. */
const pauseMsMax = 10_000;

const schema = {
  type: "object",
  properties: {
    names: { type: "array", items: { type: "string", minLength: 8 }, minItems: 12, maxItems: 12 },
  },
  required: ["names"],
  additionalProperties: false,
};

const prompts = ["One day", "The list of all", "Once upon a time there was"];
const kinds: readonly ((prompt: string) => CompletionBody)[] = [
  (prompt) => ({ prompt, max_tokens: 400, ignore_eos: true, temperature: 0 }),
  (prompt) => ({ prompt, max_tokens: 400, ignore_eos: true, temperature: 0.9, seed: 11 }),
  (prompt) => ({
    prompt,
    max_tokens: 300,
    temperature: 0.7,
    seed: 5,
    response_format: { type: "json_schema", json_schema: { name: "names", schema } },
  }),
];

let server: LociProcess;
let url: string;

beforeAll(async () => {
  const words = ["serve", "--port", "0", "--store", "none", "--workers", "2", "--threads", "1"];
  server = new LociProcess([...words, "--kv-memory", "64MiB", "--log-level", "warn"]);
  url = await server.url();
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test(
  `${kills} workers killed in the midst of answers: every stream is whole`,
  async () => {
    const random = new Random(7);
    const whole = new Map<string, StreamedCompletion>();
    const pauses: number[] = [];
    for (let round = 0; round < kills; round++) {
      const makeBody = kinds[round % kinds.length];
      assert(makeBody !== undefined, "there are kinds of requests");
      const body = makeBody(prompts[random.integer(0, prompts.length - 1)] ?? "");
      const key = JSON.stringify(body);
      const reference = whole.get(key) ?? (await streamCompletion(url, body));
      whole.set(key, reference);
      const killAt = random.integer(1, Math.max(1, reference.tokenIds.length - 40));
      const victim = new Victim(childProcesses(server.pid));
      const answer = await streamCompletion(url, body, (tokens) => {
        if (tokens >= killAt) victim.send("SIGKILL");
      });
      expect(answer.tokenIds, `round ${round}: ${key}`).toEqual(reference.tokenIds);
      expect(answer.text).toBe(reference.text);
      expect(answer.finishReason).toBe(reference.finishReason);
      pauses.push(answer.longestPauseMs);
      await bothAreBack(victim.pid);
    }
    const sorted = pauses.toSorted((one, other) => one - other);
    const shown = sorted.map((pause) => Math.round(pause)).join(" ");
    process.stdout.write(`longest pause of each stream, ms: ${shown}\n`);
    expect(sorted.at(-1)).toBeLessThan(pauseMsMax);
  },
  timeout,
);

test("a worker stands still: another goes on within seconds, and nothing comes twice", async () => {
  const body = { prompt: "Two friends", max_tokens: 400, ignore_eos: true, temperature: 0 };
  const whole = await streamCompletion(url, body);
  const victim = new Victim(childProcesses(server.pid));
  const answer = await streamCompletion(url, body, (tokens) => {
    if (tokens >= 50) victim.send("SIGSTOP");
  });
  expect(answer.tokenIds).toEqual(whole.tokenIds);
  expect(answer.text).toBe(whole.text);
  expect(answer.longestPauseMs).toBeLessThan(pauseMsMax);
  // What it still says when it wakes up is not heard.
  assert(victim.pid !== null, "a worker was stopped");
  process.kill(victim.pid, "SIGCONT");
  const again = await streamCompletion(url, body);
  expect(again.tokenIds).toEqual(whole.tokenIds);
}, 60_000);

/** Of several workers the one that is at work. */
class Victim {
  readonly #ticksBefore: ReadonlyMap<number, number>;
  pid: number | null = null;

  constructor(pids: readonly number[]) {
    this.#ticksBefore = new Map(pids.map((pid) => [pid, processorTicks(pid)]));
  }

  /** Once. */
  send(signal: NodeJS.Signals): void {
    if (this.pid !== null) return;
    let most = -1;
    for (const [pid, before] of this.#ticksBefore) {
      const ticks = processorTicks(pid) - before;
      if (ticks <= most) continue;
      most = ticks;
      this.pid = pid;
    }
    assert(this.pid !== null, "the server has workers");
    process.kill(this.pid, signal);
  }
}

/** Until two workers answer, and none of them is the one that was killed. */
async function bothAreBack(killed: number | null): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/metrics`);
    const alive = /^loci_workers\{health="alive"\} (\d+)/m.exec(await response.text())?.[1];
    const isGone = killed === null || !childProcesses(server.pid).includes(killed);
    if (isGone && alive === "2") return;
  }
}
