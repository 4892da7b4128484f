// Runs a script of this folder to its end.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What the script wrote. @throws when it ends with another code than 0 */
export async function runChild(name: string, args: readonly string[]): Promise<string> {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const { stdout } = await run(process.execPath, [script, ...args]);
  return stdout;
}
