// The devices that ggml can compute on: the CPU, and whatever the libraries that were loaded bring.

import { LociError, defined } from "@loci/core";
import { loadGgml } from "../load-ggml.ts";
import type { Pointer } from "../pointer.ts";
import { type PackagedKind, findDeviceLibrary, packagedKinds } from "./device-package.ts";

export type DeviceKind = PackagedKind | "cpu" | "metal" | "other";

export interface DeviceMemory {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface Device {
  /** ggml's, e.g. `CPU`, `CUDA0`, `Vulkan1`. */
  readonly name: string;
  readonly kind: DeviceKind;
  /** The maker's, e.g. a graphics card's name. */
  readonly description: string;
  /** True: its memory is the process's own, and can be read and written in place. */
  readonly isHost: boolean;
  readonly pointer: Pointer;
  /** As it is now. */
  memory(): DeviceMemory;
}

/** `ggml_backend_reg_name` of each kind. */
const kindsByRegistry: Readonly<Record<string, DeviceKind>> = {
  CPU: "cpu",
  CUDA: "cuda",
  MTL: "metal",
  Metal: "metal",
  Vulkan: "vulkan",
};

/** A device that only helps the CPU with some products is none that a model can live on. */
const typeAccelerator = 3;

const librariesLoaded = new Set<string>();
let cpu: Device | null = null;

/** All devices of the libraries that were loaded, the CPU among them. */
export function listDevices(): Device[] {
  const { base, registry } = loadGgml();
  const pointers = Array.from({ length: registry.deviceCount() }, (_, index) =>
    registry.device(index),
  );
  return pointers
    .filter((pointer) => base.deviceType(pointer) !== typeAccelerator)
    .map((pointer) => describe(pointer));
}

/** The CPU as a device. */
export function cpuDevice(): Device {
  cpu ??= describe(loadGgml().device);
  return cpu;
}

/**
 * Loads the library of a kind of device, once per process. LociError native_library_missing or
 * native_library_mismatch when it is not installed, of another release, or does not work here.
 */
export function loadDeviceLibrary(kind: PackagedKind, folder: string | null): void {
  const path = findDeviceLibrary(kind, folder);
  if (librariesLoaded.has(path)) return;
  if (loadGgml().registry.load(path) === null) {
    throw new LociError("native_library_missing", `The ${kind} library cannot be used here.`, {
      remedy: "Check that the device's driver is installed, or use --device cpu.",
    });
  }
  librariesLoaded.add(path);
}

/**
 * The device that `choice` names: a kind, a device's own name, or `auto`, the first device of an
 * installed package, else the CPU. LociError says what is missing; `folder` as in
 * `findDeviceLibrary`.
 */
export function chooseDevice(choice: string, folder: string | null = null): Device {
  const wanted = choice.toLowerCase();
  if (wanted === "cpu") return cpuDevice();
  const kind = packagedKinds.find((known) => known === wanted);
  if (kind !== undefined) loadDeviceLibrary(kind, folder);
  else loadInstalledLibraries(folder);
  const devices = listDevices();
  if (wanted === "auto") return devices.find(isPackaged) ?? cpuDevice();
  const found = devices.find((one) => one.kind === wanted || one.name.toLowerCase() === wanted);
  if (found !== undefined) return found;
  const names = devices.map(({ name }) => name).join(", ");
  throw new LociError("config_invalid", `There is no device ${choice}; there are ${names}.`, {
    remedy: "Name one of them with --device; loci doctor lists them.",
  });
}

/** Loads the libraries that are installed and work here; those that do not are left out. */
export function loadInstalledLibraries(folder: string | null): void {
  for (const kind of packagedKinds) {
    try {
      loadDeviceLibrary(kind, folder);
    } catch (error) {
      if (!(error instanceof LociError)) throw error;
    }
  }
}

function isPackaged({ kind }: Device): boolean {
  return packagedKinds.some((known) => known === kind);
}

function describe(pointer: Pointer): Device {
  const { base } = loadGgml();
  return {
    name: base.deviceName(pointer),
    kind: kindsByRegistry[base.registryName(base.deviceRegistry(pointer))] ?? "other",
    description: base.deviceDescription(pointer).trim(),
    isHost: base.bufferTypeIsHost(base.deviceBufferType(pointer)),
    pointer,
    memory: () => memoryOf(pointer),
  };
}

function memoryOf(pointer: Pointer): DeviceMemory {
  const free = new BigUint64Array(1);
  const total = new BigUint64Array(1);
  loadGgml().base.deviceMemory(pointer, free, total);
  return { freeBytes: Number(defined(free[0])), totalBytes: Number(defined(total[0])) };
}
