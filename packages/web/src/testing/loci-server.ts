// A real `loci serve` for tests of the page: the bundled model, a free port, a store of its own.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const mainPath = fileURLToPath(new URL("../../../cli/src/main.ts", import.meta.url));

export interface LociServerOptions {
  /** The command; default: serve. */
  readonly command?: string;
  /** Further words of the command line. */
  readonly words?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface LociServer extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
  readonly pid: number;
  /** A folder of the server's own, gone with it. */
  readonly folder: string;
  /** What it has written so far. */
  output(): string;
}

/** Resolves when it answers. */
export async function startLociServer(options: LociServerOptions = {}): Promise<LociServer> {
  const { command = "serve", words = [], environment = {} } = options;
  const folder = await mkdtemp(join(tmpdir(), "loci-page-"));
  const child = spawn(process.execPath, [mainPath, command, "--port", "0", ...words], {
    env: {
      ...cleanEnvironment(),
      LOCI_STORE: join(folder, "store.sqlite"),
      ...environment,
    },
  });
  child.stdin.end();
  const { url, output } = await addressOf(child);
  return {
    url,
    pid: child.pid ?? 0,
    folder,
    output,
    [Symbol.asyncDispose]: async () => {
      await ended(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function addressOf(
  child: ChildProcessWithoutNullStreams,
): Promise<{ url: string; output: () => string }> {
  let text = "";
  return new Promise((resolve, reject) => {
    const read = (piece: Buffer): void => {
      text += piece.toString();
      const match = /(http:\/\/\S+?)\/v1\s/.exec(text);
      if (match !== null) resolve({ url: match[1] ?? "", output: () => text });
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", reject);
    child.once("close", () => reject(new Error(`loci ended before it answered: ${text}`)));
  });
}

async function ended(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGTERM");
  await closed;
}

/** Settings of whoever runs the tests are none of theirs. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(LOCI_(?!CHROMIUM)|HF_|PORT$|FORCE_COLOR$)/;
  const others = Object.entries(process.env).filter(([name]) => !ours.test(name));
  return { ...Object.fromEntries(others), NO_COLOR: "1" };
}
