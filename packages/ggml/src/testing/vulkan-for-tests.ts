// A Vulkan device for tests: a graphics card's, or Mesa's software driver (Debian:
// mesa-vulkan-drivers). ggml's library for it is fetched once into node_modules/.cache.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { binaryPackageVersion } from "../binary-package.ts";
import { type Device, chooseDevice } from "../device/device.ts";

const cacheFolder = fileURLToPath(new URL("../../../../node_modules/.cache", import.meta.url));
const installMsMax = 240_000;

export interface VulkanForTests {
  /** Null where this machine has none. */
  readonly device: Device | null;
  /** For the tests' name: the device's, or why there is none. */
  readonly note: string;
  /** For `--device-packages`. */
  readonly packages: string;
}

/**
 * `exact` computes with f32 what is f32, as the CPU does; devices otherwise use f16 where it is
 * faster. The first call in a process decides.
 */
export function vulkanForTests({ exact }: { readonly exact: boolean }): VulkanForTests {
  const packages = join(cacheFolder, `loci-devices-${binaryPackageVersion}`);
  // A software driver counts only where it is asked for.
  process.env["GGML_VK_VISIBLE_DEVICES"] ??= "0";
  if (exact) process.env["GGML_VK_DISABLE_F16"] = "1";
  try {
    if (!existsSync(packages)) install(packages);
    const device = chooseDevice("vulkan", packages);
    return { device, note: device.description, packages };
  } catch (error) {
    const [reason] = String(error instanceof Error ? error.message : error).split("\n");
    return { device: null, note: `not run: ${reason} Debian: mesa-vulkan-drivers`, packages };
  }
}

/**
 * Whether tests that take a software driver many minutes, most of them to compile, are to run:
 * LOCI_DEVICE_TESTS=all, for a machine with a graphics card.
 */
export function runsAllDeviceTests(): boolean {
  return process.env["LOCI_DEVICE_TESTS"] === "all";
}

/** Whole or not at all: tests of several files may do this at once. */
function install(folder: string): void {
  mkdirSync(cacheFolder, { recursive: true });
  const made = mkdtempSync(join(cacheFolder, "loading-"));
  const name = `@node-llama-cpp/linux-x64-vulkan@${binaryPackageVersion}`;
  const options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", made];
  try {
    execFileSync("npm", ["install", ...options, name], { timeout: installMsMax, stdio: "pipe" });
    renameSync(made, folder);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}
