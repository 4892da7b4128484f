// A real `loci` process for end-to-end tests: started from the source, watched by its output, and
// gone at the end of the test whatever happened.

import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { fileURLToPath } from "node:url";

const mainPath = fileURLToPath(new URL("../main.ts", import.meta.url));

export interface LociProcessOptions {
  /** Written to standard input, which is then closed. */
  readonly input?: string;
  /** Added to an environment without settings of ours. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class LociProcess implements AsyncDisposable {
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #listeners = new Set<() => void>();
  #out = "";
  #err = "";
  #end: ProcessEnd | null = null;

  constructor(words: readonly string[], options: LociProcessOptions = {}) {
    const env = { ...cleanEnvironment(), NO_COLOR: "1", ...options.environment };
    this.#child = spawn(process.execPath, [mainPath, ...words], { env });
    this.#child.stdin.end(options.input ?? "");
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#out += text;
      this.#notify();
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#err += text;
      this.#notify();
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      // "close" comes after all output was read, "exit" may not.
      this.#child.once("close", (code, signal) => {
        this.#end = { code, signal };
        this.#notify();
        resolve(this.#end);
      });
    });
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get out(): string {
    return this.#out;
  }

  get err(): string {
    return this.#err;
  }

  /** Resolves with the match once standard output or error holds `pattern`. */
  async sees(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#out) ?? pattern.exec(this.#err);
      if (match) return match;
      if (this.#end) throw new Error(`ended without ${String(pattern)}: ${this.#out}${this.#err}`);
      await new Promise<void>((resolve) => this.#listeners.add(resolve));
    }
  }

  /** The address of a server that is ready. */
  async url(): Promise<string> {
    const match = await this.sees(/(http:\/\/\S+)\/v1\n/);
    return match[1] ?? "";
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}

/** Runs a command to its end. */
export async function runLoci(
  words: readonly string[],
  options: LociProcessOptions = {},
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  await using loci = new LociProcess(words, options);
  const { code } = await loci.ended;
  return { code, out: loci.out, err: loci.err };
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(LOCI_|HF_|PORT$|FORCE_COLOR$)/;
  const others = Object.entries(process.env).filter(([name]) => !ours.test(name));
  // The conversations of whoever runs the tests are none of theirs.
  return { ...Object.fromEntries(others), LOCI_STORE: "none" };
}
