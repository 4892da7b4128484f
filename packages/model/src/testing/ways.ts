// The ways to compute that a model is tested with: the CPU's two ways to attend, and Vulkan where the
// machine has it.

import { expect, test } from "vitest";
import type { Device } from "@loci/ggml";
import { runsAllDeviceTests, vulkanForTests } from "@loci/ggml/vulkan-for-tests";
import type { AttentionChoice } from "../attention/create-kv-memory.ts";

export interface Way {
  readonly attention: AttentionChoice;
  readonly device?: Device;
}

/** With its name for the test's. */
export type NamedWay = readonly [name: string, way: Way];

export const cpuWays: readonly NamedWay[] = [
  ["native", { attention: "native" }],
  ["portable", { attention: "portable" }],
];

/**
 * Vulkan where all tests of devices are asked for, else none and a skipped test that says why: a
 * software driver compiles for many minutes first. `exact` as for `vulkanForTests`.
 */
export function deviceWays(options: { readonly exact: boolean }): readonly NamedWay[] {
  const isTried = runsAllDeviceTests();
  const nothing = { device: null, note: "only with LOCI_DEVICE_TESTS=all" };
  const { device, note } = isTried ? vulkanForTests(options) : nothing;
  test.skipIf(device === null)(`Vulkan is tried (${note})`, () => {
    expect(device?.kind).toBe("vulkan");
  });
  return device === null ? [] : [[`Vulkan (${note})`, { attention: "auto", device }]];
}
