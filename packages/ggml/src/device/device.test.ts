import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { binaryPackageVersion } from "../binary-package.ts";
import { findDeviceLibrary } from "./device-package.ts";
import { chooseDevice, cpuDevice, listDevices } from "./device.ts";

const folder = mkdtempSync(join(tmpdir(), "loci-devices-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fakePackage(name: string, version: string, library: string | null): void {
  const root = join(folder, "node_modules", "@node-llama-cpp", name);
  mkdirSync(join(root, "dist"), { recursive: true });
  mkdirSync(join(root, "bins", name), { recursive: true });
  writeFileSync(join(root, "dist", "index.js"), "");
  const manifest = { name: `@node-llama-cpp/${name}`, version, main: "dist/index.js" };
  writeFileSync(join(root, "package.json"), JSON.stringify(manifest));
  if (library !== null) writeFileSync(join(root, "bins", name, library), "");
}

test("the CPU is a device, its memory the process's own", () => {
  expect(listDevices().map(({ name }) => name)).toContain("CPU");
  expect(cpuDevice()).toMatchObject({ name: "CPU", kind: "cpu", isHost: true });
  expect(chooseDevice("CPU").name).toBe("CPU");
});

test("a package that is missing is named with the command that installs it", () => {
  const command = `npm install --no-save @node-llama-cpp/linux-x64-cuda@${binaryPackageVersion}`;
  expect(() => findDeviceLibrary("cuda", folder, "linux-x64")).toThrow(
    expect.objectContaining({
      code: "native_library_missing",
      remedy: expect.stringContaining(command) as string,
    }),
  );
});

test("a package of another release is refused", () => {
  fakePackage("linux-x64-cuda", "3.21.0", "libggml-cuda.so");
  expect(() => findDeviceLibrary("cuda", folder, "linux-x64")).toThrow(
    expect.objectContaining({ code: "native_library_mismatch" }),
  );
});

test("a package is found by its platform's names, and must hold the library", () => {
  fakePackage("win-x64-vulkan", binaryPackageVersion, "ggml-vulkan.dll");
  expect(findDeviceLibrary("vulkan", folder, "win32-x64")).toMatch(/ggml-vulkan\.dll$/);
  fakePackage("linux-x64-vulkan", binaryPackageVersion, null);
  expect(() => findDeviceLibrary("vulkan", folder, "linux-x64")).toThrow("holds no libggml-vulkan");
});

test("a platform without such packages says so", () => {
  expect(() => findDeviceLibrary("cuda", folder, "linux-arm64")).toThrow(
    "There is no cuda library for linux-arm64.",
  );
});

test("a device that is not there is refused with the names of those that are", () => {
  expect(() => chooseDevice("warp-drive", folder)).toThrow(/no device warp-drive; there are .*CPU/);
});
