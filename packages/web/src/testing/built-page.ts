// The page as it is now in the source, built once for all test files that run at the same time.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const buildPath = fileURLToPath(new URL("../../build.ts", import.meta.url));

/** Builds it if need be. Throws with the bundler's words when that fails. */
export async function requireBuiltPage(): Promise<void> {
  await run(process.execPath, [buildPath]);
}
