// A device that is not the CPU under the same suite; and what it cannot compute.

import { describe, expect, test } from "vitest";
import { Graph } from "../graph.ts";
import { tensorType } from "../tensor-type.ts";
import { vulkanForTests } from "../testing/vulkan-for-tests.ts";
import { backendConformance } from "./backend.suite.ts";
import { DeviceBackend } from "./device-backend.ts";
import { chooseDevice, cpuDevice, listDevices } from "./device.ts";

const { device, note, packages } = vulkanForTests({ exact: true });

describe.skipIf(device === null)(`Vulkan (${note})`, () => {
  const opened = device ?? cpuDevice();
  backendConformance("Vulkan", () => new DeviceBackend(opened));

  test("is found by kind and by name, and is what `auto` means", () => {
    expect(listDevices().map(({ name }) => name)).toContain(opened.name);
    for (const choice of ["vulkan", opened.name.toLowerCase(), "auto"]) {
      expect(chooseDevice(choice, packages)).toMatchObject({ name: opened.name, kind: "vulkan" });
    }
    expect(chooseDevice("cpu", packages).kind).toBe("cpu");
    expect(() => chooseDevice("Vulkan99", packages)).toThrow("There is no device Vulkan99");
  });

  test("refuses a node that it has no code for", () => {
    using graph = new Graph(4);
    // A custom operator is a function of this process.
    const input = graph.input(tensorType.f32, 4);
    const operator = { type: tensorType.f32, dimensions: [4, 1, 1], inputs: [input] } as const;
    graph.output(graph.custom({ ...operator, function: 1n, userData: null }));
    expect(() => graph.allocate(opened)).toThrow(
      expect.objectContaining({ code: "not_supported" }),
    );
  });
});
