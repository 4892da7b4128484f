// A chat at a real terminal: `script` (util-linux) gives the process a pseudo-terminal, and this test
// is the person at it.

import { spawn, spawnSync } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, describe, expect, test } from "vitest";

const mainPath = fileURLToPath(new URL("../main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "loci-pty-"));
const historyPath = join(folder, "loci", "chat-history");
const small = ["--kv-memory", "16MiB", "--threads", "1"];
const hasScript = spawnSync("script", ["--version"]).status === 0;

afterAll(() => rmSync(folder, { recursive: true }));

/** A person at a terminal of 80 columns. */
class Terminal implements AsyncDisposable {
  readonly #ended = Promise.withResolvers<number | null>();
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #watchers = new Set<() => void>();
  #shown = "";
  #hasEnded = false;

  constructor(...words: readonly string[]) {
    const command = [process.execPath, mainPath, ...words].map((word) => `'${word}'`).join(" ");
    // `script` outlives its command as long as somebody could still type: the command says its end.
    const line = `stty cols 80 rows 24; ${command}; echo "[end $?]"`;
    const args = ["--quiet", "--flush", "--command", line, "/dev/null"];
    const environment = { LOCI_STORE: "none", XDG_STATE_HOME: folder, TERM: "xterm", NO_COLOR: "" };
    this.#child = spawn("script", args, { env: { ...process.env, ...environment } });
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#shown += text;
      const end = /\[end (\d+)\]/.exec(this.#shown);
      if (end) this.#end(Number(end[1]));
      this.#notify();
    });
    this.#child.once("close", () => this.#end(null));
  }

  /** Resolves with the exit code. */
  get ended(): Promise<number | null> {
    return this.#ended.promise;
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** Resolves with the match once it stands in what was shown after the last call. */
  async sees(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#shown);
      if (match) {
        this.#shown = this.#shown.slice(match.index + match[0].length);
        return match;
      }
      if (this.#hasEnded) throw new Error(`ended without ${String(pattern)}: ${this.#shown}`);
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.ended;
  }

  #end(code: number | null): void {
    this.#hasEnded = true;
    this.#child.stdin.end();
    this.#ended.resolve(code);
    this.#notify();
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}

const ctrlC = "\u0003";
const ctrlD = "\u0004";

describe.skipIf(!hasScript)("at a real terminal (needs `script` of util-linux)", () => {
  test("a chat: commands, an answer that is stopped, its figures, history, the end", async () => {
    await using terminal = new Terminal("chat", ...small);
    await terminal.sees(/Talking with loci-demo/);
    await terminal.sees(/> /);
    terminal.type("/help\r");
    await terminal.sees(/\/retry/);
    terminal.type("/set max-tokens 12\r");
    await terminal.sees(/max-tokens: 12/);
    terminal.type("Hello there\\\rmy friend\r");
    // Dim, as it is not the answer's text.
    await terminal.sees(/\p{Cc}\[2m\d+ tokens?, [^]*% of \d+ prompt tokens cached/u);
    terminal.type("/set max-tokens\r");
    await terminal.sees(/the server's default/);
    terminal.type("/retry\r");
    await terminal.sees(/\w{3}/);
    terminal.type(ctrlC);
    await terminal.sees(/\(stopped\)|prompt tokens cached/);
    terminal.type("never sent");
    terminal.type(ctrlC);
    terminal.type(ctrlD);
    expect(await terminal.ended).toBe(0);
    expect(readFileSync(historyPath, "utf8")).toBe(
      "/help\n/set max-tokens 12\nHello there\\\nmy friend\n/set max-tokens\n/retry\n",
    );
  });

  test("the next chat has the last one's lines; without history it neither reads nor writes", async () => {
    const before = readFileSync(historyPath, "utf8");
    await using again = new Terminal("chat", ...small);
    await again.sees(/> /);
    again.type("\u001B[A\u001B[A\r");
    await again.sees(/the server's default/);
    again.type(ctrlD);
    expect(await again.ended).toBe(0);
    expect(readFileSync(historyPath, "utf8")).toBe(`${before}/set max-tokens\n`);
    await using silent = new Terminal("chat", "--no-history", ...small);
    await silent.sees(/> /);
    silent.type("\u001B[A/help\r");
    await silent.sees(/\/retry/);
    silent.type(ctrlD);
    expect(await silent.ended).toBe(0);
    expect(readFileSync(historyPath, "utf8")).toBe(`${before}/set max-tokens\n`);
  });

  test("an error is red unless no colours are wanted", async () => {
    const words = ["run", "--max-tokens", "8", ...small];
    await using terminal = new Terminal(...words, "nobodys-model", "Hello");
    await terminal.sees(/loci:\p{Cc}\[0m No pulled model is called "nobodys-model"/u);
    expect(await terminal.ended).toBe(1);
    await using plain = new Terminal(...words, "--no-color", "nobodys-model", "Hello");
    await plain.sees(/loci: No pulled model/);
    expect(await plain.ended).toBe(1);
  });
});
