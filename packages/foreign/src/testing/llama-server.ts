// A real llama-server as a child process, with the model that comes with the project.

import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { sleep, systemClock } from "@loci/core";
import { request } from "undici";
import type { TokenCodec } from "../answer/engine-answer.ts";
import { listAt } from "../http/fields.ts";
import { readTokenBytes } from "./gguf-tokens.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const modelPath = `${root}models/loci-demo.gguf`;
const program = "llama-server";
const startMsMax = 60_000;

const children = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** LOCI_LLAMA_SERVER, then what `npm run bench -- build-peer` made, then PATH; null: none is here. */
export function findLlamaServer(): string | null {
  const named = process.env["LOCI_LLAMA_SERVER"];
  if (named !== undefined) return named;
  const built = `${root}results/peer/llama.cpp/build/bin/${program}`;
  if (existsSync(built)) return built;
  const inPath = spawnSync(program, ["--version"], { stdio: "ignore" });
  return inPath.error === undefined ? program : null;
}

export class LlamaServer implements AsyncDisposable {
  readonly url: string;
  readonly process: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.process = child;
    this.#ended = new Promise((resolve) => {
      child.once("exit", () => resolve());
    });
  }

  /** Resolves when it serves. */
  static async start(binary: string, port?: number): Promise<LlamaServer> {
    const chosen = port ?? (await freePort());
    const args = ["-m", modelPath, "--host", "127.0.0.1", "--port", String(chosen)];
    const shape = ["-c", "4096", "-np", "2", "-t", "1", "--no-webui"];
    const child = spawn(binary, [...args, ...shape], { stdio: "ignore" });
    const server = new LlamaServer(`http://127.0.0.1:${chosen}`, child);
    children.add(child);
    child.once("exit", () => children.delete(child));
    const giveUpMs = systemClock.nowMs() + startMsMax;
    while (!(await server.#isReady())) {
      if (child.exitCode !== null) throw new Error(`llama-server ended with ${child.exitCode}`);
      if (systemClock.nowMs() > giveUpMs) throw new Error("llama-server does not start");
      await sleep(systemClock, 50);
    }
    return server;
  }

  /** The model's bytes, and its tokens by the server's own route. */
  codec(): TokenCodec {
    const bytes = readTokenBytes(modelPath);
    return {
      tokenBytes: (tokenId) => bytes[tokenId] ?? new Uint8Array(),
      tokenize: async (text) => {
        const body = JSON.stringify({ content: text, add_special: false });
        const reply = await request(`${this.url}/tokenize`, { method: "POST", body });
        const ids = listAt(await reply.body.json(), "tokens");
        return Int32Array.from(ids.filter((id) => typeof id === "number"));
      },
    };
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #isReady(): Promise<boolean> {
    try {
      const reply = await request(`${this.url}/health`);
      await reply.body.dump();
      return reply.statusCode === 200;
    } catch {
      return false;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
