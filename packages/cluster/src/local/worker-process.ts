// One run of a worker's program: from its start to its end.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { LineSplitter } from "../wire/line-splitter.ts";
import { WireError } from "../wire/wire-error.ts";
import { decodeWord, encodeStartOrder, encodeStopOrder } from "./orders.ts";
import type { StartOrder, WorkerWord } from "./orders.ts";

export interface ProcessStart {
  /** Program and arguments. Nothing secret: everybody can read them. */
  readonly command: readonly [string, ...string[]];
  /** The whole environment of the process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly order: StartOrder;
  readonly onWord: (word: WorkerWord) => void;
  /** Whatever else it writes. */
  readonly onLine: (line: string) => void;
  /** It has ended, for whatever reason; told once. */
  readonly onEnd: (reason: string) => void;
}

const lineBytesMax = 65_536;

export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #ended = Promise.withResolvers<void>();

  constructor(start: ProcessStart) {
    const [program, ...words] = start.command;
    const child = spawn(program, words, {
      env: start.environment,
      stdio: ["pipe", "pipe", "pipe"],
      // A terminal's Ctrl+C is for the parent, which lets the worker finish.
      detached: process.platform !== "win32",
    });
    this.#child = child;
    let isOver = false;
    const end = (reason: string): void => {
      if (isOver) return;
      isOver = true;
      this.#ended.resolve();
      start.onEnd(reason);
    };
    child.once("error", (error) => end(`could not be started: ${error.message}`));
    // "close" comes after all output was read.
    child.once("close", (code, signal) => end(signal === null ? `exit ${code}` : `by ${signal}`));
    // It may end before it reads its orders; its end is told anyway.
    child.stdin.on("error", () => undefined);
    readOutput(child.stdout, start);
    readOutput(child.stderr, start);
    child.stdin.write(encodeStartOrder(start.order));
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** It may finish its answers for `graceMs`. */
  askToStop(graceMs: number): void {
    this.#child.stdin?.write(encodeStopOrder(graceMs));
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

function readOutput(output: Readable, { onWord, onLine }: ProcessStart): void {
  let splitter = new LineSplitter(lineBytesMax);
  output.on("data", (chunk: Uint8Array) => {
    try {
      for (const line of splitter.push(chunk)) {
        const word = decodeWord(line);
        if (word === null) onLine(line);
        else onWord(word);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      // Endless lines and garbled words are nobody's news.
      splitter = new LineSplitter(lineBytesMax);
      onLine("(unreadable output)");
    }
  });
}
