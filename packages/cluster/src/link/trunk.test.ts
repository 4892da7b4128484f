import { duplexPair } from "node:stream";
import type { Duplex } from "node:stream";
import { systemClock } from "@loci/core";
import { describe, expect, it } from "vitest";
import { until } from "../testing/test-cluster.ts";
import { trunkWindow } from "../wire/trunk-lines.ts";
import { AttemptError } from "./attempt-error.ts";
import { attemptErrorOf } from "./failure-of.ts";
import { Trunk } from "./trunk.ts";
import type { TrunkAnswer } from "./trunk-answer.ts";

interface Ends {
  readonly trunk: Trunk;
  /** The worker's end, and the lines that it was told. */
  readonly worker: Duplex;
  readonly orders: string[];
}

function open(silenceMsMax = 5000): Ends {
  const [socket, worker] = duplexPair();
  const orders: string[] = [];
  worker.on("data", (chunk: Buffer) => orders.push(...String(chunk).trim().split("\n")));
  return { trunk: new Trunk(socket, { clock: systemClock, silenceMsMax }), worker, orders };
}

const unaborted = new AbortController().signal;

async function failureOf(answer: TrunkAnswer): Promise<string> {
  try {
    for (;;) await answer.next();
  } catch (error) {
    const failure = attemptErrorOf(error);
    return failure instanceof AttemptError ? failure.failure : "none";
  }
}

describe("a trunk", () => {
  it("hands each answer its lines, in whatever pieces they come", async () => {
    const { trunk, worker, orders } = open();
    const [first, second] = [trunk.ask("{}", unaborted), trunk.ask("{}", unaborted)];
    const text = '[0,"a",1,"b"]\n\n[1,"c",0,"d",7,"nobody reads this"]\n';
    for (const character of text) worker.write(character);
    expect([await first.next(), await first.next()]).toEqual(["a", "d"]);
    expect([await second.next(), await second.next()]).toEqual(["b", "c"]);
    trunk.checkIntegrity();
    await until(() => orders.length === 2);
    expect(orders).toEqual(['{"ask":0,"body":{}}', '{"ask":1,"body":{}}']);
    trunk.close();
  });

  it("says when there is room for more, and when nobody reads", async () => {
    const { trunk, worker, orders } = open();
    const answer = trunk.ask("{}", unaborted);
    worker.write(`[${Array.from({ length: trunkWindow }, (_, at) => `0,${at}`).join(",")}]\n`);
    for (let at = 0; at < trunkWindow; at++) expect(await answer.next()).toBe(at);
    const half = trunkWindow / 2;
    await until(() => orders.length === 3);
    expect(orders.slice(1)).toEqual(Array(2).fill(`{"room":0,"lines":${half}}`));
    answer.destroy();
    answer.destroy();
    const controller = new AbortController();
    const aborted = trunk.ask("{}", controller.signal);
    controller.abort();
    await expect(aborted.next()).rejects.toThrow("broken off");
    const over = trunk.ask("{}", unaborted);
    over.release();
    await until(() => orders.length === 7);
    expect(orders.slice(3)).toEqual([
      '{"end":0}',
      '{"ask":1,"body":{}}',
      '{"end":1}',
      '{"ask":2,"body":{}}',
    ]);
    expect(trunk.isOpen).toBe(true);
    trunk.close();
  });

  it("breaks as a whole", async () => {
    const tooMany = `[${Array.from({ length: trunkWindow + 2 }, () => "0,1").join(",")}]\n`;
    const cases: readonly (readonly [string, (worker: Duplex) => unknown])[] = [
      ["worker_lost", (worker) => worker.end()],
      ["worker_lost", (worker) => worker.destroy()],
      ["worker_lost", (worker) => worker.write("nonsense\n")],
      ["worker_lost", (worker) => worker.write("{}\n")],
      ["worker_lost", (worker) => worker.write("[0]\n")],
      ["worker_lost", (worker) => worker.write('["0",1]\n')],
      ["worker_lost", (worker) => worker.write(tooMany)],
      ["worker_lost", (worker) => worker.write("x".repeat(4_000_000))],
      ["worker_stalled", (worker) => worker.write('[0,"a"]\n')],
    ];
    for (const [failure, act] of cases) {
      const { trunk, worker } = open(failure === "worker_stalled" ? 50 : 5000);
      const answers = [trunk.ask("{}", unaborted), trunk.ask("{}", unaborted)];
      act(worker);
      expect(await Promise.all(answers.map(failureOf))).toEqual([failure, failure]);
      expect(trunk.isOpen).toBe(false);
      trunk.checkIntegrity();
    }
  });

  it("is not silent while it gives signs of life", async () => {
    const { trunk, worker } = open(100);
    const answer = trunk.ask("{}", unaborted);
    const startMs = systemClock.nowMs();
    while (systemClock.nowMs() - startMs < 300) {
      worker.write("\n");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    worker.write('[0,"late"]\n');
    expect(await answer.next()).toBe("late");
    trunk.close();
  });
});
