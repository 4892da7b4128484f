// Runs a script to its end.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What the script wrote. @throws when it ends with another code than 0 */
export async function runChild(script: URL, args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [fileURLToPath(script), ...args]);
  return stdout;
}
