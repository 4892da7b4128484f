// What was missed of a worker's events: a router asks for all after a sequence number, and gets the
// batches, or a snapshot where the worker does not keep them any more. Either may take many messages.
//
//   question:  after
//   answer:    part │ parts │ form │ a batch, or a piece of a snapshot

import { assert } from "@loci/core";
import type { KvEventBatch, KvSnapshot } from "@loci/core";

import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import {
  decodeBatch,
  decodeSnapshot,
  encodeBatch,
  encodeSnapshot,
  fitsMessage,
  joinSnapshot,
  splitSnapshot,
} from "./kv-codec.ts";

/** Messages that one answer may take: 19 million names of a snapshot. */
export const repairPartsMax = 256;

export type Repair =
  | { readonly form: "batches"; readonly batches: readonly KvEventBatch[] }
  | { readonly form: "snapshot"; readonly snapshot: KvSnapshot };

export interface RepairPart {
  /** From 0. */
  readonly part: number;
  readonly parts: number;
  /** Null in an answer that says that nothing was missed. */
  readonly content: KvEventBatch | KvSnapshot | null;
}

const batchForm = 0;
const snapshotForm = 1;
const nothingForm = 2;

export function encodeQuestion(after: number): Uint8Array {
  const writer = new ByteWriter(16);
  writer.integer(after);
  return writer.finish();
}

/** @returns null for bytes that are no question */
export function decodeQuestion(bytes: Uint8Array): number | null {
  const reader = new ByteReader(bytes);
  const after = reader.integer();
  return reader.isDone ? after : null;
}

/** The parts of an answer, made as they are taken; null when there would be too many, or too long. */
export function repairParts(
  repair: Repair,
): { parts: number; encode(part: number): Uint8Array } | null {
  if (repair.form === "snapshot") {
    const pieces = splitSnapshot(repair.snapshot);
    if (pieces.length > repairPartsMax) return null;
    return {
      parts: pieces.length,
      encode: (part) =>
        encodePart(part, pieces.length, snapshotForm, encodeSnapshot(at(pieces, part))),
    };
  }
  const { batches } = repair;
  if (batches.length > repairPartsMax || !batches.every((batch) => fitsMessage(batch))) return null;
  if (batches.length === 0) {
    return { parts: 1, encode: () => encodePart(0, 1, nothingForm, new Uint8Array(0)) };
  }
  return {
    parts: batches.length,
    encode: (part) => encodePart(part, batches.length, batchForm, encodeBatch(at(batches, part))),
  };
}

function encodePart(part: number, parts: number, form: number, content: Uint8Array): Uint8Array {
  const writer = new ByteWriter(content.length + 16);
  writer.integer(part);
  writer.integer(parts);
  writer.byte(form);
  writer.raw(content);
  return writer.finish();
}

/** @returns null for bytes that are no part of an answer */
export function decodeRepairPart(bytes: Uint8Array): RepairPart | null {
  const reader = new ByteReader(bytes);
  const part = reader.integerUpTo(repairPartsMax - 1);
  const parts = reader.integerUpTo(repairPartsMax);
  const form = reader.byte();
  if (!reader.isSound || part >= parts || form > nothingForm) return null;
  if (form === nothingForm) {
    return reader.isDone && parts === 1 ? { part, parts, content: null } : null;
  }
  const rest = reader.raw(reader.bytesLeft);
  const content = form === batchForm ? decodeBatch(rest) : decodeSnapshot(rest);
  return content === null ? null : { part, parts, content };
}

/** All parts put together; null when they do not belong together or some are missing. */
export function joinRepair(parts: readonly RepairPart[]): Repair | null {
  const byPart = [...new Map(parts.map((part) => [part.part, part])).values()];
  const count = byPart[0]?.parts ?? 0;
  if (byPart.length !== count || byPart.some((part) => part.parts !== count)) return null;
  const contents = byPart.map(({ content }) => content).filter((content) => content !== null);
  const batches = contents.filter((content) => "events" in content);
  const pieces = contents.filter((content) => "held" in content);
  if (pieces.length === 0) {
    return { form: "batches", batches: batches.toSorted((a, b) => a.sequence - b.sequence) };
  }
  const sequence = pieces[0]?.sequence;
  if (batches.length > 0 || pieces.some((piece) => piece.sequence !== sequence)) return null;
  return { form: "snapshot", snapshot: joinSnapshot(pieces) };
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  assert(item !== undefined, "a part that exists");
  return item;
}
