// Where the commands of the pages are run: a folder that looks like a fresh checkout (links to the
// real one, and a model file), with `loci` on the path as after an installation, and a server at
// the address that pages name.

import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What writes into the checkout must not find it. */
const notLinked: ReadonlySet<string> = new Set([".git", "results"]);

export interface CommandEnd {
  readonly code: number | null;
  readonly output: string;
}

export class CommandRoom implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), "loci-docs-"));
  readonly #environment: NodeJS.ProcessEnv;

  constructor() {
    for (const name of readdirSync(root)) {
      if (!notLinked.has(name)) symlinkSync(join(root, name), join(this.folder, name));
    }
    copyFileSync(join(root, "models", "loci-demo.gguf"), join(this.folder, "model.gguf"));
    const programs = join(this.folder, ".programs");
    mkdirSync(programs);
    const loci = `exec "${process.execPath}" "${join(root, "packages/cli/src/main.ts")}" "$@"`;
    writeProgram(join(programs, "loci"), loci);
    // What npx finds in a checkout is the same program.
    writeProgram(join(programs, "npx"), `[ "$1" = loci ] || exit 64\nshift\n${loci}`);
    // A page's request that the server refuses is a mistake of the page.
    writeFileSync(join(this.folder, ".curlrc"), "fail-with-body\nshow-error\nmax-time = 120\n");
    this.#environment = {
      ...withoutSettings(process.env),
      PATH: [programs, join(root, "node_modules", ".bin"), process.env["PATH"]].join(delimiter),
      CURL_HOME: this.folder,
      HOME: this.folder,
      NO_COLOR: "1",
      LOCI_PORT: "0",
      LOCI_KV_MEMORY: "64MiB",
      LOCI_STORE: "none",
    };
  }

  /**
   * Runs `text` in a shell to its end, or until its output holds `ready`: then it is told to stop,
   * and counts as ended well.
   */
  async run(text: string, ready: RegExp | null): Promise<CommandEnd> {
    const options = { cwd: this.folder, env: this.#environment, detached: true };
    const child = spawn("sh", ["-c", text], options);
    child.stdin.on("error", () => undefined);
    child.stdin.end("Hello!\n");
    let output = "";
    let isReady = false;
    const read = (piece: string): void => {
      output += piece;
      if (isReady || ready === null || !ready.test(output)) return;
      isReady = true;
      // All of its processes, as Ctrl+C in a terminal does.
      process.kill(-(child.pid ?? process.pid), "SIGINT");
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    return { code: isReady ? 0 : code, output };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function writeProgram(path: string, script: string): void {
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** Settings of whoever runs the tests are none of theirs. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours = /^(?:LOCI_|HF_|PORT$|FORCE_COLOR$|npm_)/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !ours.test(name)));
}
