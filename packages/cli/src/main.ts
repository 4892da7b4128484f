// Entry of the command line. Node strips types and compiles every file anew at each start unless it
// may keep the results: with the cache `loci serve` is ready in about half the time.

import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

import { threadPoolSize } from "./thread-pool.ts";

// Before anything uses the pool: it has the size it finds then.
process.env["UV_THREADPOOL_SIZE"] = String(threadPoolSize(process.env["UV_THREADPOOL_SIZE"]));

// In the user's own folder: nobody else may put code there. Without it Node just compiles again.
const cacheFolder = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
enableCompileCache(join(cacheFolder, "loci", "compiled"));

// Static imports would be loaded before the cache is there.
const { processOutput } = await import("./output.ts");
const { runProgram } = await import("./program.ts");
process.exitCode = await runProgram(process.argv.slice(2), processOutput());
