// A private NATS server for tests: its own port and folder, thrown away afterwards. The program comes
// from LOCI_NATS_SERVER, the PATH, or where Debian puts it.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";

interface ServerSetup {
  /** Of the command line. */
  readonly options: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export class NatsServer {
  readonly #program: string;
  readonly #folder: string;
  readonly #options: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  #process: ChildProcess | null = null;
  #port = 0;

  private constructor(program: string, folder: string, setup: ServerSetup) {
    this.#program = program;
    this.#folder = folder;
    this.#options = setup.options;
    this.#environment = setup.environment;
  }

  /**
   * Resolves when it takes connections.
   * @throws Error naming the remedy when there is no NATS server on this machine
   */
  static async create(
    options: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<NatsServer> {
    const program = findProgram();
    const folder = await mkdtemp(join(tmpdir(), "loci-nats-"));
    const server = new NatsServer(program, folder, { options, environment });
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Its address for who gives these credentials. */
  urlFor(credentials: string): string {
    return `nats://${credentials}@127.0.0.1:${this.#port}`;
  }

  /** On the port that it had before. */
  async start(): Promise<void> {
    const port = this.#port === 0 ? "-1" : String(this.#port);
    const address = ["-a", "127.0.0.1", "-p", port];
    // A configuration file says itself where JetStream keeps its files.
    const isConfigured = this.#options.includes("--config");
    const storage = isConfigured ? [] : ["-js", "-sd", this.#folder];
    const child = spawn(this.#program, [...address, ...storage, ...this.#options], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...this.#environment },
    });
    this.#process = child;
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      lines.push(line);
      const listening = /Listening for client connections on .*:(\d+)/.exec(line);
      if (listening) this.#port = Number(listening[1]);
      if (line.includes("Server is ready")) {
        child.stderr.resume();
        return;
      }
    }
    throw new Error(`nats-server did not start:\n${lines.join("\n")}`);
  }

  /** SIGKILL, as when it crashes. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  /** It stands still: connections stay open and nobody answers. Again: it goes on. */
  stall(isStalled: boolean): void {
    this.#process?.kill(isStalled ? "SIGSTOP" : "SIGCONT");
  }

  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true });
  }
}

function findProgram(): string {
  const named = process.env["LOCI_NATS_SERVER"];
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"];
  const candidates =
    named === undefined ? folders.map((folder) => join(folder, "nats-server")) : [named];
  const found = candidates.find((program) => existsSync(program));
  if (found !== undefined) return found;
  throw new Error(
    "These tests need a NATS server: install it (e.g. apt-get install nats-server), or set LOCI_NATS_SERVER to the program.",
  );
}
