// A loci server with a given cache, for measurements that ask it one thing at a time: completions of
// token ids, counters from /metrics, and an end without warning.

import { join } from "node:path";
import { Agent } from "undici";
import { LociError, sleep, type Clock } from "@loci/core";
import { lociArm } from "../load/arms.ts";
import { openaiDialect } from "../load/dialect.ts";
import { readMetrics } from "../load/read-metrics.ts";
import { modelName } from "../load/serve-run.ts";
import { freePort, startServer, type RunningServer } from "../load/server-process.ts";
import { complete, type CompletionRecord } from "../load/stream-client.ts";
import type { CoreSplit } from "../measure/pinning.ts";
import type { TreeCost } from "../measure/process-cpu.ts";

export interface TieredServerOptions {
  readonly modelPath: string;
  readonly cores: CoreSplit;
  readonly cacheArgs: readonly string[];
  readonly contextTokens: number;
  /** The server's output goes to `<folder>/<label>.log`. */
  readonly folder: string;
  readonly label: string;
}

/** Longest request, whatever the server does. */
const requestMsMax = 600_000;
const settlePollMs = 50;
/** Counters that stay the same for so many looks at rest. */
const settledLooks = 4;
const settleLooksMax = 1_200;

export class TieredServer implements AsyncDisposable {
  readonly #server: RunningServer;
  readonly #agent = new Agent();
  readonly #clock: Clock;
  readonly #model: string;

  private constructor(server: RunningServer, model: string, clock: Clock) {
    this.#server = server;
    this.#model = model;
    this.#clock = clock;
  }

  static async start(options: TieredServerOptions, clock: Clock): Promise<TieredServer> {
    const { modelPath, cores, contextTokens, cacheArgs, folder, label } = options;
    const own = ["--ctx-size", String(contextTokens), "--store", "none", ...cacheArgs];
    const arm = lociArm({ modelPath, cores, contextTokens, extraArgs: own });
    const port = await freePort();
    const server = await startServer(
      {
        command: arm.command,
        args: arm.args(port),
        cores: cores.serverCores,
        port,
        logPath: join(folder, `${label}.log`),
      },
      clock,
    );
    return new TieredServer(server, await modelName(server.baseUrl), clock);
  }

  get startMs(): number {
    return this.#server.startMs;
  }

  cost(): TreeCost | null {
    return this.#server.cost();
  }

  /** One completion; throws when the server did not do what was asked. */
  async ask(promptTokens: readonly number[], answerTokens: number): Promise<CompletionRecord> {
    const target = {
      baseUrl: this.#server.baseUrl,
      dialect: openaiDialect,
      dispatcher: this.#agent,
      clock: this.#clock,
    };
    const ask = { model: this.#model, promptTokens, answerTokens };
    const record = await complete(target, ask, AbortSignal.timeout(requestMsMax));
    const { error, usage } = record;
    const wrong = usage?.promptTokens !== promptTokens.length;
    if (error === null && !wrong && record.tokenIds.length === answerTokens) return record;
    throw new LociError("unavailable", `A request failed: ${error ?? "other counts than asked"}.`);
  }

  /** See readMetrics. */
  metrics(): Promise<ReadonlyMap<string, number>> {
    return readMetrics(this.#server.baseUrl);
  }

  /** Resolves when what the cache counts has stopped changing: nothing moves any more. */
  async settled(): Promise<void> {
    let before = "";
    let same = 0;
    for (let look = 0; look < settleLooksMax && same < settledLooks; look++) {
      const kept = [...(await this.metrics())].filter(([name]) => name.startsWith("loci_kv"));
      const now = JSON.stringify(kept);
      same = now === before ? same + 1 : 0;
      before = now;
      await sleep(this.#clock, settlePollMs);
    }
  }

  /** kill -9. */
  async kill(): Promise<void> {
    process.kill(this.#server.pid, "SIGKILL");
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
    await this.#server[Symbol.asyncDispose]();
  }
}

/** Milliseconds from sending a request to its first token. */
export function firstTokenMs(record: CompletionRecord): number {
  return (record.tokenTimesMs[0] ?? record.endMs) - record.sendMs;
}
