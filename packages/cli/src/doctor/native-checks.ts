// The native parts and the bundled model: found, of the right release, and working.

import { approximateBytes } from "@loci/core";
import type { Config } from "@loci/core";

import { findModel } from "../serve/find-model.ts";
import { fail, ok, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";

/** Enough to compute with the bundled model. */
const kvBytes = 64 * 1024 * 1024;

/** In this order: each needs the one before. */
export function nativeChecks(config: Config): readonly Check[] {
  return [
    { name: "ggml", look: checkGgml },
    { name: "kernel", look: checkKernel },
    { name: "devices", look: () => checkDevices(config) },
    { name: "bundled model", look: checkModelFile },
    { name: "model loads", look: () => checkModelLoads(config) },
  ];
}

async function checkGgml(): Promise<Finding> {
  const { binaryPackageVersion, ggmlVersion, loadGgml } = await import("@loci/ggml");
  const { directory } = loadGgml();
  return ok(`${ggmlVersion} from release ${binaryPackageVersion} in ${directory}`);
}

async function checkKernel(): Promise<Finding> {
  const { loadKernelLibrary } = await import("@loci/ggml");
  const kernel = loadKernelLibrary();
  if (kernel) return ok(`paged attention with ${kernel.isa}`);
  return warn(
    "not built: the slower portable attention is used",
    "Install g++ or clang, then run npm ci.",
  );
}

/** The one that `--device` means comes first. */
async function checkDevices(config: Config): Promise<Finding> {
  const { chooseDevice, listDevices, loadInstalledLibraries } = await import("@loci/ggml");
  loadInstalledLibraries(config.devicePackages);
  const chosen = chooseDevice(config.device, config.devicePackages);
  const others = listDevices().filter(({ name }) => name !== chosen.name);
  const texts = [chosen, ...others].map((device) => {
    const { freeBytes, totalBytes } = device.memory();
    const memory = `${approximateBytes(freeBytes)} of ${approximateBytes(totalBytes)} free`;
    return `${device.name} (${device.kind}, ${device.description}, ${memory})`;
  });
  return ok(`used: ${texts[0]}${texts.length > 1 ? `; also: ${texts.slice(1).join(", ")}` : ""}`);
}

async function checkModelFile(): Promise<Finding> {
  const { bundledModelPath } = await import("@loci/host");
  const { readGguf } = await import("@loci/ggml");
  const path = bundledModelPath();
  const file = readGguf(path);
  const architecture = file.metadata.get("general.architecture");
  return ok(`${String(architecture)}, ${approximateBytes(file.fileBytes)}, ${path}`);
}

/** Loads the bundled model and tokenises a word with it. */
async function checkModelLoads(config: Config): Promise<Finding> {
  const { openModel } = await import("@loci/host");
  const kvMemory = { unit: "bytes", bytes: kvBytes } as const;
  const model = await openModel({ ...config, kvMemory, model: null, hfRepo: null }, { findModel });
  try {
    const prompt = await model.codec.tokenize("Hello", { addSpecial: true, parseSpecial: false });
    if (prompt.length === 0) return fail("its vocabulary has no token for Hello", "Run npm ci.");
    return ok(`${model.info.id}, context ${model.info.contextTokensMax} tokens`);
  } finally {
    await model.close();
  }
}
