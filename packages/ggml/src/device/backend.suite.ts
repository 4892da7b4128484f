// What every backend does alike: tensors written and read in ranges and copied, graphs computed over
// them, both at the same time, and a clear refusal of what it has no code for.

import { describe, expect, test } from "vitest";
import { defined } from "@loci/core";
import { Graph } from "../graph.ts";
import { NativeMemory } from "../native-memory.ts";
import { tensorType } from "../tensor-type.ts";
import type { Backend } from "./backend.ts";
import { DeviceTensors, copyTensorParts, readTensor, writeTensor } from "./device-tensors.ts";

const rows = 6;
const rowLength = 32;
const rowBytes = rowLength * Float32Array.BYTES_PER_ELEMENT;

export function backendConformance(name: string, open: () => Backend): void {
  describe(`${name} as a backend`, () => {
    test("computes over its own tensors, again with other inputs", async () => {
      using backend = open();
      using tensors = table(backend);
      using memory = new NativeMemory(rows * rowBytes, backend.device);
      const values = new Float32Array(memory.bytes, 0, rows * rowLength);
      values.set(values.map((_, index) => index % 7));
      const range = { tensor: tensors.tensor, offset: 0, bytes: rows * rowBytes };
      await writeTensor(range, memory.address);
      using graph = new Graph(8);
      const input = graph.input(tensorType.f32, rowLength, 1);
      const output = graph.output(graph.mulMat(tensors.tensor, input));
      graph.allocate(backend.device);
      for (const factor of [1, 3]) {
        new Float32Array(defined(graph.bytes(input))).fill(factor);
        await compute(backend, graph);
        const got = [...new Float32Array(defined(graph.bytes(output)))];
        const want = Array.from({ length: rows }, (_, row) => {
          const row0 = row * rowLength;
          return factor * values.slice(row0, row0 + rowLength).reduce((sum, each) => sum + each, 0);
        });
        expect(got).toEqual(want);
      }
    });

    test("reads back the ranges that were written and copied, and zeros elsewhere", async () => {
      using backend = open();
      using tensors = table(backend);
      using memory = new NativeMemory(rows * rowBytes, backend.device);
      const values = new Float32Array(memory.bytes, 0, rows * rowLength).fill(5);
      const { tensor } = tensors;
      const row = (index: number): { tensor: bigint; offset: number; bytes: number } => {
        return { tensor, offset: index * rowBytes, bytes: rowBytes };
      };
      await writeTensor(row(1), memory.address);
      copyTensorParts([[row(1), row(4)]]);
      await readTensor({ tensor, offset: 0, bytes: rows * rowBytes }, memory.address);
      const sums = Array.from({ length: rows }, (_, index) =>
        values.slice(index * rowLength, (index + 1) * rowLength).reduce((sum, each) => sum + each),
      );
      expect(sums).toEqual([0, 160, 0, 0, 160, 0]);
    });

    test("a range outside of its tensor is refused", async () => {
      using backend = open();
      using tensors = table(backend);
      using memory = new NativeMemory(rowBytes);
      const range = { tensor: tensors.tensor, offset: rows * rowBytes - 4, bytes: 8 };
      await expect(writeTensor(range, memory.address)).rejects.toThrow("a range of the tensor");
    });

    test("more than its memory holds is out_of_memory", () => {
      using backend = open();
      using tensors = new DeviceTensors({
        device: backend.device,
        tensorsMax: 1,
        usage: "any",
        remedy: "Ask for less.",
      });
      tensors.tensor(tensorType.f32, [1024 ** 2, 1024 ** 3]);
      const error = catchError(() => tensors.allocate());
      expect(error).toMatchObject({ code: "out_of_memory", remedy: "Ask for less." });
    });

    test("other tensors are read and written while it computes", async () => {
      using backend = open();
      using tensors = table(backend);
      using memory = new NativeMemory(rows * rowBytes, backend.device);
      const values = new Float32Array(memory.bytes, 0, rows * rowLength);
      using graph = new Graph(8);
      const input = graph.input(tensorType.f32, 128, 128);
      const output = graph.output(graph.mulMat(input, input));
      graph.allocate(backend.device);
      new Float32Array(defined(graph.bytes(input))).fill(1);
      const range = { tensor: tensors.tensor, offset: 0, bytes: rows * rowBytes };
      for (let round = 1; round <= 5; round++) {
        const computed = compute(backend, graph);
        values.fill(round);
        await writeTensor(range, memory.address);
        values.fill(0);
        await readTensor(range, memory.address);
        expect(values.every((value) => value === round)).toBe(true);
        await computed;
        const sums = new Float32Array(defined(graph.bytes(output)));
        expect(sums.every((sum) => sum === 128)).toBe(true);
      }
    });

    test("its memory can be asked for", () => {
      using backend = open();
      const { freeBytes, totalBytes } = backend.device.memory();
      expect(freeBytes).toBeGreaterThan(0);
      expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
    });
  });
}

/** A matrix [rowLength, rows] on the device. */
function table(backend: Backend): { readonly tensor: bigint } & Disposable {
  const { device } = backend;
  const tensors = new DeviceTensors({ device, tensorsMax: 1, usage: "any", remedy: "" });
  const tensor = tensors.tensor(tensorType.f32, [rowLength, rows]);
  tensors.allocate();
  return { tensor, [Symbol.dispose]: () => tensors[Symbol.dispose]() };
}

async function compute(backend: Backend, graph: Graph): Promise<void> {
  graph.sendInputs();
  await backend.compute(graph.pointer);
  await graph.fetchOutputs();
}

function catchError(action: () => void): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return null;
}
