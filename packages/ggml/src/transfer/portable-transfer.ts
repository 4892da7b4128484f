// Block transfers with Node alone: block by block, so a gate opens only when all is there. Yields to
// the event loop between blocks.

import { read, write, fdatasync } from "node:fs";
import { promisify } from "node:util";
import { setImmediate } from "node:timers/promises";
import { assert } from "@loci/core";
import {
  type BlockTransfer,
  type FilePlace,
  type HostMove,
  type MoveResult,
  type ReadOptions,
  type TransferLayout,
  type WriteOptions,
  checksumBytes,
} from "./block-transfer.ts";
import type { Pointer } from "../pointer.ts";
import { memoryView } from "./memory-view.ts";
import type { RestoreGates } from "./restore-gates.ts";
import { writeXxh64 } from "./xxh64.ts";

const readAt = promisify(read);
const writeAt = promisify(write);
const syncFile = promisify(fdatasync);
const blankBytes = 64;

export class PortableTransfer implements BlockTransfer<Pointer> {
  readonly name = "portable";
  readonly #gates: RestoreGates;

  constructor(gates: RestoreGates) {
    this.#gates = gates;
  }

  async read(
    layout: TransferLayout,
    moves: readonly HostMove[],
    { gate }: ReadOptions,
  ): Promise<MoveResult[]> {
    const results: MoveResult[] = [];
    for (const move of moves) {
      const result = await readBlock(layout, move).catch(toResult);
      if (result !== "moved" && gate !== null) this.#gates.fail(gate);
      this.#gates.beat();
      results.push(result);
      await setImmediate();
    }
    if (gate !== null) this.#gates.advance(gate, layout.layers);
    return results;
  }

  async write(
    layout: TransferLayout,
    moves: readonly HostMove[],
    { syncs }: WriteOptions,
  ): Promise<MoveResult[]> {
    const results: MoveResult[] = [];
    for (const move of moves) {
      results.push(await writeBlock(layout, move, syncs).catch(toResult));
      await setImmediate();
    }
    return results;
  }

  checkHeaders(headers: Uint8Array, headerBytes: number): Uint8Array {
    const valid = new Uint8Array(headers.length / headerBytes);
    for (let index = 0; index < valid.length; index++) {
      const header = headers.subarray(index * headerBytes, (index + 1) * headerBytes);
      valid[index] = isWhole(header) ? 1 : 0;
    }
    return valid;
  }

  [Symbol.dispose](): void {
    // It holds nothing.
  }
}

function blockBytes({ layers, layerBytes }: TransferLayout): number {
  return layers * layerBytes;
}

async function readBlock(layout: TransferLayout, move: HostMove): Promise<MoveResult> {
  const target = memoryView(move.memory, blockBytes(layout));
  const { place } = move;
  if (place.kind === "memory") {
    target.set(memoryView(place.address, target.length));
    return sameBytes(layerSums(layout, target), place.checksums) ? "moved" : "corrupt";
  }
  const found = place.headerFound;
  if (!(await readFully(place.file, found, place.headerOffset))) return "ended";
  if (!isWhole(found)) return "torn";
  const { identityBytes } = layout;
  if (!sameBytes(found.subarray(0, identityBytes), place.header.subarray(0, identityBytes))) {
    return "foreign";
  }
  if (!(await readFully(place.file, target, place.payloadOffset))) return "ended";
  const sums = layerSums(layout, target);
  const stated = found.subarray(identityBytes, identityBytes + sums.length);
  return sameBytes(sums, stated) ? "moved" : "corrupt";
}

async function writeBlock(
  layout: TransferLayout,
  { memory, place }: HostMove,
  syncs: boolean,
): Promise<MoveResult> {
  const source = memoryView(memory, blockBytes(layout));
  if (place.kind === "memory") {
    memoryView(place.address, source.length).set(source);
    place.checksums.set(layerSums(layout, source));
    return "moved";
  }
  const sums = layerSums(layout, source);
  if (place.checksumsKnown !== null && !sameBytes(sums, place.checksumsKnown)) return "corrupt";
  await put(place, { bytes: new Uint8Array(blankBytes), offset: place.headerOffset, syncs });
  await put(place, { bytes: source, offset: place.payloadOffset, syncs });
  completeHeader(layout, place.header, sums);
  await put(place, { bytes: place.header, offset: place.headerOffset, syncs });
  return "moved";
}

async function put(
  { file }: FilePlace,
  part: { readonly bytes: Uint8Array; readonly offset: number; readonly syncs: boolean },
): Promise<void> {
  const { bytes, offset, syncs } = part;
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await writeAt(file, bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
  if (syncs) await syncFile(file);
}

/** False when the file ends before. */
async function readFully(file: number, target: Uint8Array, offset: number): Promise<boolean> {
  for (let done = 0; done < target.length;) {
    const { bytesRead } = await readAt(file, target, done, target.length - done, offset + done);
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return true;
}

function layerSums({ layers, layerBytes }: TransferLayout, block: Uint8Array): Uint8Array {
  const sums = new Uint8Array(layers * checksumBytes);
  for (let layer = 0; layer < layers; layer++) {
    const bytes = block.subarray(layer * layerBytes, (layer + 1) * layerBytes);
    writeXxh64(bytes, sums.subarray(layer * checksumBytes));
  }
  return sums;
}

function completeHeader(layout: TransferLayout, header: Uint8Array, sums: Uint8Array): void {
  assert(header.length === layout.headerBytes, "a header of the layout");
  header.set(sums, layout.identityBytes);
  const checked = header.length - checksumBytes;
  writeXxh64(header.subarray(0, checked), header.subarray(checked));
}

function isWhole(header: Uint8Array): boolean {
  const checked = header.length - checksumBytes;
  const sum = new Uint8Array(checksumBytes);
  writeXxh64(header.subarray(0, checked), sum);
  return sameBytes(sum, header.subarray(checked));
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

/** A failed call's system error name; anything else is a mistake of this program. */
function toResult(error: unknown): MoveResult {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code === "string" && code.startsWith("E") && !code.startsWith("ERR_")) {
    return code as `E${string}`;
  }
  throw error;
}
