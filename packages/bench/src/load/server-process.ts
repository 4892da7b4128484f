// A server under test as a child process: started fresh on its own cores, waited for until it
// serves, measured, and stopped. Its output goes to a file beside the results.

import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { LociError, sleep, type Clock } from "@loci/core";
import { request } from "undici";
import { pinned } from "../measure/pinning.ts";
import { treeCost, type TreeCost } from "../measure/process-cpu.ts";

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** For `taskset -c`; null = anywhere. */
  readonly cores: string | null;
  readonly port: number;
  /** Where output and errors go. */
  readonly logPath: string;
}

export interface RunningServer extends AsyncDisposable {
  readonly baseUrl: string;
  readonly pid: number;
  /** From the start of the process to its first good /health. */
  readonly startMs: number;
  /** Processor time and memory so far; null where the system does not tell. */
  cost(): TreeCost | null;
}

const healthPollMs = 5;
/** A server that does not serve by then is given up. */
export const startDeadlineMs = 120_000;
/** After a polite signal, before the other one. */
const stopDeadlineMs = 10_000;

/** Starts the server and resolves when GET /health says 200. */
export async function startServer(command: ServerCommand, clock: Clock): Promise<RunningServer> {
  const [program, args] = pinned(command.cores, command.command, command.args);
  const log = openSync(command.logPath, "a");
  const startedMs = clock.nowMs();
  const child = spawn(program, args, { stdio: ["ignore", log, log] });
  closeSync(log);
  const ended = exitOf(child);
  killAtExit(child);
  const baseUrl = `http://127.0.0.1:${command.port}`;
  try {
    await waitForHealth({ baseUrl, ended, logPath: command.logPath }, clock);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  const startMs = clock.nowMs() - startedMs;
  const pid = child.pid ?? 0;
  return {
    baseUrl,
    pid,
    startMs,
    cost: () => treeCost(pid),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      const cancel = clock.after(stopDeadlineMs, () => child.kill("SIGKILL"));
      await ended;
      cancel();
    },
  };
}

interface Awaited {
  readonly baseUrl: string;
  readonly ended: Promise<string>;
  readonly logPath: string;
}

async function waitForHealth(server: Awaited, clock: Clock): Promise<void> {
  const giveUpMs = clock.nowMs() + startDeadlineMs;
  const exits: string[] = [];
  void server.ended.then((reason) => exits.push(reason));
  while (clock.nowMs() < giveUpMs) {
    const [exit] = exits;
    if (exit !== undefined) {
      throw new LociError("unavailable", `The server ended: ${exit}.`, {
        remedy: `Its output is in ${server.logPath}.`,
      });
    }
    if (await isHealthy(server.baseUrl)) return;
    await sleep(clock, healthPollMs);
  }
  throw new LociError("unavailable", "The server did not start serving in time.", {
    remedy: `Its output is in ${server.logPath}.`,
  });
}

async function isHealthy(baseUrl: string): Promise<boolean> {
  try {
    const response = await request(`${baseUrl}/health`, { headersTimeout: 5_000 });
    await response.body.dump();
    return response.statusCode === 200;
  } catch {
    // Nobody listens yet.
    return false;
  }
}

/** No server outlives the benchmark, however that ends. */
export function killAtExit(child: ChildProcess): void {
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) =>
      resolve(signal === null ? `exit code ${String(code)}` : `signal ${signal}`),
    );
  });
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  const port = await listenLocally(probe);
  await new Promise((resolve) => {
    probe.close(resolve);
  });
  return port;
}

/** Listens on a free port of the loopback interface. */
export function listenLocally(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}
