// A running `loci serve` with several workers, whose worker processes can be looked at and signalled.

import { join } from "node:path";
import { Agent } from "undici";
import type { ServeArm } from "../load/arms.ts";
import { openaiDialect } from "../load/dialect.ts";
import { readMetrics } from "../load/read-metrics.ts";
import { modelName } from "../load/serve-run.ts";
import { freePort, startServer, type RunningServer } from "../load/server-process.ts";
import type { StreamTarget } from "../load/stream-client.ts";
import type { Session } from "./session.ts";
import { BusyWorker, childProcesses } from "./worker-processes.ts";
import { waitForWorkers, wakeWorkers } from "./workers-alive.ts";

export class ClusterServer implements AsyncDisposable {
  readonly target: StreamTarget;
  readonly model: string;
  readonly #server: RunningServer;
  readonly #agent: Agent;
  readonly #workers: number;

  private constructor(
    server: RunningServer,
    model: string,
    { clock, workers }: { readonly clock: StreamTarget["clock"]; readonly workers: number },
  ) {
    this.#server = server;
    this.#agent = new Agent();
    this.#workers = workers;
    this.model = model;
    const { baseUrl } = server;
    this.target = { baseUrl, dialect: openaiDialect, dispatcher: this.#agent, clock };
  }

  /** Resolves when all workers are there and have computed something. Output: `<label>.log`. */
  static async start(session: Session, arm: ServeArm, label: string): Promise<ClusterServer> {
    const { cores, output, clock, tokenIds, options } = session;
    const { workers } = options;
    const port = await freePort();
    const server = await startServer(
      {
        command: arm.command,
        args: arm.args(port),
        cores: cores.serverCores,
        port,
        logPath: join(output.folder, `${label}.log`),
      },
      clock,
    );
    await using opening = new AsyncDisposableStack();
    opening.use(server);
    const model = await modelName(server.baseUrl);
    const started = new ClusterServer(server, model, { clock, workers });
    await wakeWorkers(started.target, model, { workers, tokenIds });
    opening.move();
    return started;
  }

  /** Watches from now on which worker computes. */
  watchWorkers(): BusyWorker {
    return new BusyWorker(this.workerPids());
  }

  workerPids(): readonly number[] {
    return childProcesses(this.#server.pid);
  }

  metrics(): Promise<ReadonlyMap<string, number>> {
    return readMetrics(this.#server.baseUrl);
  }

  /** Answers that another worker went on with, so far. */
  async moves(): Promise<number> {
    return (await this.metrics()).get("loci_router_moves_total") ?? 0;
  }

  /** Resolves when all workers are alive; `gonePid` is none of them. */
  async whole(gonePid: number | null): Promise<void> {
    const { baseUrl, clock } = this.target;
    await waitForWorkers(baseUrl, this.#workers, clock, () => {
      const pids = this.workerPids();
      return pids.length === this.#workers && (gonePid === null || !pids.includes(gonePid));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
    await this.#server[Symbol.asyncDispose]();
  }
}
