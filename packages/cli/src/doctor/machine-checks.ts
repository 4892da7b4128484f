// What the machine itself offers: Node, processor, memory, disk, compiler, a free port.

import { execFile } from "node:child_process";
import { readFile, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { availableParallelism, cpus, totalmem } from "node:os";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";

import { approximateBytes } from "@loci/core";
import type { Config } from "@loci/core";

import { fail, ok, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";

const memoryBytesMin = 512 * 1024 * 1024;
const diskBytesMin = 1024 * 1024 * 1024;
const compilerTimeoutMs = 10_000;
const vectorFeatures = ["avx512f", "avx2", "asimd", "neon"] as const;

export function machineChecks(config: Config, modelsDirectory: string): readonly Check[] {
  return [
    { name: "Node", look: () => checkNode(process.versions.node) },
    { name: "processor", look: checkProcessor },
    { name: "memory", look: () => checkMemory(process.availableMemory(), totalmem()) },
    { name: "disk", look: () => checkDisk(modelsDirectory) },
    { name: "compiler", look: checkCompiler },
    { name: "port", look: () => checkPort(config.host, config.port) },
  ];
}

/** Type stripping is stable from 24.12 on. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const runs = major > 24 || (major === 24 && minor >= 12);
  if (runs) return ok(version);
  return fail(`${version} cannot run this program`, "Start it by npm start or npx loci.");
}

export function checkMemory(availableBytes: number, totalBytes: number): Finding {
  const detail = `${approximateBytes(availableBytes)} of ${approximateBytes(totalBytes)} available`;
  if (availableBytes >= memoryBytesMin) return ok(detail);
  return warn(detail, "Close other programs; a model needs its file's size and the cache's.");
}

/** Tries the address the server would take; 0 is always free. */
export async function checkPort(host: string, port: number): Promise<Finding> {
  if (port === 0) return ok("any free one");
  const probe = createServer();
  try {
    await new Promise<void>((done, refuse) => {
      probe.once("error", refuse);
      probe.listen(port, host, done);
    });
    return ok(`${host}:${port} is free`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return warn(reason, "Another server runs there: stop it, or choose another --port.");
  } finally {
    probe.close();
  }
}

async function checkProcessor(): Promise<Finding> {
  const model = cpus()[0]?.model.trim() || process.arch;
  const features = await processorFeatures();
  const vectors = vectorFeatures.filter((feature) => features.has(feature));
  const cores = availableParallelism();
  const detail = `${model}, ${cores} cores${vectors.length > 0 ? `, ${vectors.join(" ")}` : ""}`;
  const isSlow = process.arch === "x64" && features.size > 0 && !features.has("avx2");
  return isSlow ? warn(detail, "Without AVX2 every model answers slowly.") : ok(detail);
}

/** The feature words of Linux's /proc/cpuinfo; empty where there is none. */
async function processorFeatures(): Promise<ReadonlySet<string>> {
  const text = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  const words = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1] ?? "";
  return new Set(words.split(" ").filter((word) => word !== ""));
}

async function checkDisk(directory: string): Promise<Finding> {
  const { existing, bytes } = await freeBytes(resolve(directory));
  const detail = `${approximateBytes(bytes)} free for models in ${existing}`;
  if (bytes >= diskBytesMin) return ok(detail);
  return warn(detail, "Free some space, or keep models elsewhere with --models-dir.");
}

/** Free bytes at `directory` or, before it exists, at the nearest folder above it. */
async function freeBytes(
  directory: string,
): Promise<{ readonly existing: string; readonly bytes: number }> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return { existing: directory, bytes: bavail * bsize };
  } catch (error) {
    const above = dirname(directory);
    if (above === directory) throw error;
    return await freeBytes(above);
  }
}

async function checkCompiler(): Promise<Finding> {
  const names = [process.env["CXX"], "c++", "g++", "clang++"];
  for (const name of names) {
    const version = name ? await firstOutputLine(name) : null;
    if (version !== null) return ok(version);
  }
  return warn(
    "none",
    "Only the portable attention can be used; install g++ or clang, then npm ci.",
  );
}

async function firstOutputLine(program: string): Promise<string | null> {
  try {
    const options = { timeout: compilerTimeoutMs };
    const { stdout } = await promisify(execFile)(program, ["--version"], options);
    return stdout.split("\n")[0] ?? "";
  } catch {
    // Absent or broken: the next one is tried, and none at all is what the check reports.
    return null;
  }
}
