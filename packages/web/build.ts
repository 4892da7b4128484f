// Builds the page into dist/ and writes compressed variants beside its files; part of `npm ci`. A
// page whose sources have not changed since is left as it is. When it fails during installation,
// that is a notice: the server answers without its page, too.
//
//   node packages/web/build.ts [--force]

import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const folder = import.meta.dirname;
const outputFolder = join(folder, "dist");
/** Not in dist/: everything there is served. */
const buildFolder = join(folder, "build");
const nextFolder = join(buildFolder, "next");
const hashPath = join(buildFolder, "page.hash");
const lockPath = join(buildFolder, "page.lock");
const lockPauseMs = 100;
const lockWaitsMax = 1200;

/** Besides everything under src/ that is no test. */
const inputNames = ["index.html", "vite.config.ts", "build.ts", "package.json", "tsconfig.json"];
const testPattern = /\.(test|e2e-test)\.tsx?$|^src\/(testing|bench)\//;
const compressedPattern = /\.(html|js|css|svg)$/;
/** Smaller files gain nothing. */
const compressedBytesMin = 512;

async function build(): Promise<void> {
  const hash = hashInputs();
  if (!process.argv.includes("--force") && isFresh(hash)) return;
  mkdirSync(buildFolder, { recursive: true });
  if (!(await takeLock())) throw new Error("another build does not end; remove build/page.lock");
  try {
    // Whoever had the lock may have built the same.
    if (process.argv.includes("--force") || !isFresh(hash)) await buildNow(hash);
  } finally {
    rmSync(lockPath, { force: true });
  }
}

async function buildNow(hash: string): Promise<void> {
  const start = process.hrtime.bigint();
  const vite = await import("vite");
  await vite.build({
    configFile: join(folder, "vite.config.ts"),
    build: { outDir: nextFolder, emptyOutDir: true },
  });
  const kilobytes = Math.round(compressAll(nextFolder) / 1000);
  // A server that starts meanwhile finds one page or the other, hardly ever none.
  rmSync(outputFolder, { recursive: true, force: true });
  renameSync(nextFolder, outputFolder);
  writeFileSync(hashPath, hash);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  process.stderr.write(`loci: page built in ${seconds.toFixed(1)} s, ${kilobytes} kB compressed\n`);
}

function isFresh(hash: string): boolean {
  return existsSync(join(outputFolder, "index.html")) && storedHash() === hash;
}

/** False when somebody else keeps it too long. */
async function takeLock(): Promise<boolean> {
  for (let waits = 0; waits < lockWaitsMax; waits++) {
    try {
      writeFileSync(lockPath, String(process.pid), { flag: "wx" });
      return true;
    } catch {
      if (isLockLeft()) rmSync(lockPath, { force: true });
      else await sleep(lockPauseMs);
    }
  }
  return false;
}

/** Its holder was killed. */
function isLockLeft(): boolean {
  try {
    process.kill(Number(readFileSync(lockPath, "utf8")), 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}

function storedHash(): string | null {
  return existsSync(hashPath) ? readFileSync(hashPath, "utf8") : null;
}

function hashInputs(): string {
  const names = [...inputNames, ...filesUnder(join(folder, "src"))];
  const hash = createHash("sha256");
  for (const name of names.filter((one) => !testPattern.test(one)).toSorted()) {
    hash.update(`${name}\0`).update(readFileSync(join(folder, name)));
  }
  return hash.digest("hex");
}

/** Paths from this package's folder, with forward slashes. */
function filesUnder(root: string): readonly string[] {
  const entries = readdirSync(root, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}

/** Total of the smallest variants in bytes. */
function compressAll(root: string): number {
  let bytes = 0;
  for (const name of filesUnder(root)) {
    const path = join(folder, name);
    const content = readFileSync(path);
    if (!compressedPattern.test(name) || content.length < compressedBytesMin) {
      bytes += content.length;
      continue;
    }
    const brotli = brotliCompressSync(content, {
      params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
    });
    writeFileSync(`${path}.br`, brotli);
    writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
    bytes += brotli.length;
  }
  return bytes;
}

try {
  await build();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`loci: the page was not built: ${reason}\n`);
  process.stderr.write("loci: everything else works; npm run page tries again.\n");
  if (process.env["npm_lifecycle_event"] !== "postinstall") process.exitCode = 1;
}
