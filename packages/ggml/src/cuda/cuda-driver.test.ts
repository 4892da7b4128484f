// What needs no driver: its absence. With one that is emulated: cuda-attention.e2e-test.ts.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LociError, defined } from "@loci/core";
import { CudaDriver } from "./cuda-driver.ts";
import { packParameters } from "./launch-parameters.ts";

const openFrom = (path: string) => (): CudaDriver => new CudaDriver(path);

test("no driver is a clear error with a remedy", () => {
  const open = openFrom("libcuda-that-is-not-there.so.1");
  expect(open).toThrow(LociError);
  expect(open).toThrow(/no NVIDIA driver.*--device cpu/);
});

test("another library is not taken for the driver", () => {
  const other = process.platform === "linux" ? "libc.so.6" : process.execPath;
  const open = openFrom(other);
  expect(open).toThrow(LociError);
});

/** Names and types of the struct's fields, as the kernels' header has them. */
function headerFields(): { readonly name: string; readonly isDouble: boolean }[] {
  const path = new URL("../../native/cuda/parameters.h", import.meta.url);
  const struct = defined(
    /struct Parameters \{([\s\S]*?)\n\};/.exec(readFileSync(path, "utf8"))?.[1],
  );
  const declarations = struct.replaceAll(/\/\/.*/g, "").split(";");
  return declarations.flatMap((declaration) => {
    const names = [...declaration.matchAll(/(\w+)\s*(?=,|$)/g)].map((match) => defined(match[1]));
    return names.map((name) => ({ name, isDouble: declaration.includes("double") }));
  });
}

test("parameters lie as the kernels' header has them", () => {
  const fields = headerFields();
  const numbers = Object.fromEntries(fields.map(({ name }, index) => [name, index + 1]));
  const view = packParameters(numbers as unknown as Parameters<typeof packParameters>[0]);
  expect(fields.length).toBeGreaterThan(20);
  expect(view.byteLength).toBe(fields.length * 8);
  for (const [index, { name, isDouble }] of fields.entries()) {
    const at = index * 8;
    const read = isDouble ? view.getFloat64(at, true) : Number(view.getBigInt64(at, true));
    expect([name, read]).toEqual([name, index + 1]);
  }
});
