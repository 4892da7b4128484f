// Block events and snapshots in bytes: names take 7 bytes each, everything else next to nothing.

import { kvTierNames } from "@loci/core";
import type { KvEvent, KvEventBatch, KvSnapshot, KvTierName } from "@loci/core";

import { ByteReader } from "./byte-reader.ts";
import { ByteWriter, nameBytes } from "./byte-writer.ts";
import { messageBytesMax, sealBytesMax } from "./sealed-message.ts";

const storedCode = 0;
const removedCode = 1;
const clearedCode = 2;

const eventsMax = 65_536;
const tiersMax = 64;
const headBytesMax = 512;
const eventHeadBytes = 12;

/** Names in one piece of a snapshot: it has to fit into a message. */
export const pieceNamesMax: number = Math.floor(
  (messageBytesMax - sealBytesMax - headBytesMax) / nameBytes,
);

type Held = { readonly tier: KvTierName; readonly blocks: Float64Array };

export function encodeBatch(batch: KvEventBatch): Uint8Array {
  const writer = new ByteWriter(256);
  writer.integer(batch.sequence);
  writer.integer(batch.events.length);
  for (const event of batch.events) {
    if (event.type === "cleared") {
      writer.byte(clearedCode);
      continue;
    }
    writer.byte(event.type === "stored" ? storedCode : removedCode);
    writer.byte(kvTierNames.indexOf(event.tier));
    writer.integer(event.blocks.length);
    writer.names(event.blocks);
  }
  return writer.finish();
}

/** Whether the batch can be told in one message. */
export function fitsMessage(batch: KvEventBatch): boolean {
  const eventBytes = batch.events.map((event) => eventHeadBytes + namesIn(event) * nameBytes);
  const bytes = eventBytes.reduce((sum, each) => sum + each, headBytesMax);
  return bytes <= messageBytesMax - sealBytesMax;
}

function namesIn(event: KvEvent): number {
  return event.type === "cleared" ? 0 : event.blocks.length;
}

/** @returns null for bytes that are no batch */
export function decodeBatch(bytes: Uint8Array): KvEventBatch | null {
  const reader = new ByteReader(bytes);
  const sequence = reader.integer();
  const count = reader.integerUpTo(eventsMax);
  const events: KvEvent[] = [];
  for (let index = 0; index < count && reader.isSound; index++) events.push(readEvent(reader));
  return reader.isDone && sequence >= 1 ? { sequence, events } : null;
}

function readEvent(reader: ByteReader): KvEvent {
  const code = reader.byte();
  if (code === clearedCode) return { type: "cleared" };
  const tier = kvTierNames[reader.byte()];
  const blocks = reader.names(reader.integer());
  if (tier === undefined || code > clearedCode) reader.fail();
  const type = code === storedCode ? "stored" : "removed";
  return { type, tier: tier ?? "device", blocks: Array.from(blocks) };
}

/** One message's share of a snapshot: at most `pieceNamesMax` names. */
export function encodeSnapshot(snapshot: KvSnapshot): Uint8Array {
  const names = snapshot.held.reduce((sum, { blocks }) => sum + blocks.length, 0);
  const writer = new ByteWriter(headBytesMax + names * nameBytes);
  writer.integer(snapshot.sequence);
  writer.integer(snapshot.held.length);
  for (const { tier, blocks } of snapshot.held) {
    writer.byte(kvTierNames.indexOf(tier));
    writer.integer(blocks.length);
    writer.names(blocks);
  }
  return writer.finish();
}

/** @returns null for bytes that are no snapshot */
export function decodeSnapshot(bytes: Uint8Array): KvSnapshot | null {
  const reader = new ByteReader(bytes);
  const sequence = reader.integer();
  const tiers = reader.integerUpTo(tiersMax);
  const held: Held[] = [];
  for (let index = 0; index < tiers && reader.isSound; index++) {
    const tier = kvTierNames[reader.byte()];
    const blocks = reader.names(reader.integer());
    if (tier === undefined) reader.fail();
    else held.push({ tier, blocks });
  }
  return reader.isDone ? { sequence, held } : null;
}

/** The same snapshot in pieces that each fit into a message; at least one. */
export function splitSnapshot(snapshot: KvSnapshot): readonly KvSnapshot[] {
  const pieces: Held[][] = [[]];
  let room = pieceNamesMax;
  for (const { tier, blocks } of snapshot.held) {
    for (let start = 0; start < blocks.length;) {
      if (room === 0) {
        pieces.push([]);
        room = pieceNamesMax;
      }
      const share = blocks.subarray(start, start + room);
      pieces.at(-1)?.push({ tier, blocks: share });
      start += share.length;
      room -= share.length;
    }
  }
  return pieces.map((held) => ({ sequence: snapshot.sequence, held }));
}

/** Pieces put together again, in any order. */
export function joinSnapshot(pieces: readonly KvSnapshot[]): KvSnapshot {
  return { sequence: pieces[0]?.sequence ?? 0, held: pieces.flatMap(({ held }) => held) };
}
