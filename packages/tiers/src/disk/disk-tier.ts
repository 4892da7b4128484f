// Blocks on disk, in segment files of fixed slots. The file is the truth: every read checks the slot's
// header against what is wanted and every layer against its checksum, so whatever happened to the file
// (a crash half-way, a flipped bit, another file in its place) is a miss. What is kept in memory is one
// number per slot: the sequence of the write that filled it, which tells a slot's present block from
// an earlier one. The layout's reasons are in docs/decisions/disk-tier.md.

import { closeSync, fdatasync } from "node:fs";
import { promisify } from "node:util";
import { type Clock, assert, defined } from "@loci/core";
import type { RecoveredBlock, TierFacts } from "@loci/engine";
import type { BlockMove, BlockTransfer, FilePlace, RestoreGates, TransferLayout } from "@loci/ggml";
import type { MissCounts } from "../miss-counts.ts";
import type { Tier, TierRead, TierResult, TierWrite } from "../tier.ts";
import type { DiskTierOptions } from "../tier-options.ts";
import { errorResult, toTierResult } from "../tier-result.ts";
import { DiskFolder } from "./disk-folder.ts";
import { type DiskGeometry, openGeometry } from "./disk-geometry.ts";
import { DiskPause } from "./disk-pause.ts";
import { Segment, initSegment, segmentBytes } from "./segment.ts";
import { HeaderDecoder, type SlotShape, encodeHeader, readSequence } from "./slot-header.ts";

const syncFile = promisify(fdatasync);

export interface DiskTierParts {
  readonly options: DiskTierOptions;
  readonly shape: SlotShape;
  readonly layout: TransferLayout;
  readonly transfer: BlockTransfer;
  readonly gates: RestoreGates;
  readonly misses: MissCounts;
  readonly clock: Clock;
}

interface PlannedRead {
  readonly move: BlockMove;
  readonly sequence: number;
  readonly found: Buffer;
}

export class DiskTier implements Tier {
  readonly facts: TierFacts;
  readonly #parts: DiskTierParts;
  readonly #folder: DiskFolder;
  readonly #geometry: DiskGeometry;
  readonly #pause: DiskPause;
  /** By slot; 0 = nothing that may be read. */
  readonly #sequences: Float64Array;
  #sequenceNext = 1;
  /** Segments whose space could not be reserved: every write may find the disk full. */
  readonly #unreserved = new Set<number>();
  readonly #making = new Map<number, Promise<Segment | null>>();
  readonly #unsynced = new Set<number>();
  #writesUnsynced = 0;
  #isClosed = false;

  /** LociError `unavailable` when another process uses the folder, `config_invalid`, `file_unreadable`. */
  constructor(parts: DiskTierParts) {
    this.#parts = parts;
    const { options, shape, layout } = parts;
    const { path, bytesMax, freeBytesMin } = options;
    const { fingerprint } = shape;
    this.#folder = new DiskFolder({ path, fingerprint, bytesMax, freeBytesMin });
    try {
      this.#geometry = openGeometry(this.#folder, shape, { layout, bytesMax });
    } catch (error) {
      this.#folder.close();
      throw error;
    }
    const { segmentCount, segments } = this.#geometry;
    for (const [number, segment] of segments) {
      if (!segment.isReserved) this.#unreserved.add(number);
    }
    const slotCount = segmentCount * this.#geometry.shape.slots;
    this.#sequences = new Float64Array(slotCount);
    this.facts = { name: "disk", slotCount, isDurable: true };
    this.#pause = new DiskPause(parts.clock);
  }

  async write(block: TierWrite): Promise<TierResult> {
    if (this.#isClosed) return "closed";
    this.#checkSlot(block.slot);
    const refused = this.#pause.reason;
    if (refused !== null) return refused;
    this.#sequences[block.slot] = 0;
    let result: TierResult;
    try {
      result = await this.#writeBlock(block);
    } catch (error) {
      result = errorResult(error);
    }
    if (result === "no_space" || result === "io") this.#pause.failed(result);
    else if (result === "moved") this.#pause.succeeded();
    return result;
  }

  async read(blocks: readonly TierRead[], gate: number | null): Promise<TierResult[]> {
    const { transfer, layout, gates } = this.#parts;
    const plans = blocks.map((block) => this.#planRead(block));
    const moves = plans.flatMap((plan) => (plan === null ? [] : [plan.move]));
    if (gate !== null && moves.length < blocks.length) gates.fail(gate);
    const moved = await transfer.read(layout, moves, { gate });
    let next = 0;
    return plans.map((plan, index) => {
      if (plan === null) return this.#isClosed ? "closed" : "empty";
      return this.#judge(defined(blocks[index]).slot, plan, toTierResult(moved[next++]));
    });
  }

  async *recover(): AsyncIterable<readonly RecoveredBlock[]> {
    const { transfer, misses } = this.#parts;
    const decoder = new HeaderDecoder(this.#parts.shape);
    for (const [number, segment] of this.#geometry.segments) {
      const firstSlot = number * this.#geometry.shape.slots;
      for await (const { headers, torn } of segment.wholeHeaders(transfer)) {
        const batch: RecoveredBlock[] = [];
        for (const { index, bytes } of headers) {
          const header = decoder.decode(bytes);
          if (header === null || index >= segment.slotsWhole) {
            misses.add(header === null ? "foreign" : "torn");
            continue;
          }
          const slot = firstSlot + index;
          this.#sequences[slot] = header.sequence;
          this.#sequenceNext = Math.max(this.#sequenceNext, header.sequence + 1);
          batch.push({ tier: "disk", slot, identity: header.identity });
        }
        misses.add("torn", torn);
        if (batch.length > 0) yield batch;
      }
    }
  }

  async erase(slots: readonly number[]): Promise<number[]> {
    const failed = new Set<number>();
    const touched = new Map<number, number[]>();
    for (const slot of slots) {
      this.#checkSlot(slot);
      this.#sequences[slot] = 0;
      const number = this.#segmentNumber(slot);
      const segment = this.#geometry.segments.get(number);
      if (segment === undefined) continue;
      const blanked = await succeeds(() => segment.blank(this.#slotInSegment(slot)));
      if (blanked) touched.set(number, [...(touched.get(number) ?? []), slot]);
      else failed.add(slot);
    }
    for (const [number, erased] of touched) {
      const { file } = defined(this.#geometry.segments.get(number));
      if (await succeeds(() => syncFile(file))) continue;
      for (const slot of erased) failed.add(slot);
    }
    return [...failed];
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#sequences.fill(0);
    if (this.#parts.options.fsync !== "never") await this.#sync();
    for (const { file } of this.#geometry.segments.values()) closeSync(file);
    this.#folder.close();
  }

  checkIntegrity(): void {
    const { segments, segmentCount, shape } = this.#geometry;
    assert(this.#sequences.length === segmentCount * shape.slots, "a number for every slot");
    for (const [slot, sequence] of this.#sequences.entries()) {
      assert(sequence < this.#sequenceNext, "a slot's write has happened");
      assert(sequence === 0 || segments.has(this.#segmentNumber(slot)), "its segment is there");
    }
    for (const number of segments.keys()) assert(number < segmentCount, "a segment of the tier");
  }

  async #writeBlock({ slot, identity, source, checksumsKnown }: TierWrite): Promise<TierResult> {
    const { shape, layout, transfer, options } = this.#parts;
    const number = this.#segmentNumber(slot);
    const segment = this.#geometry.segments.get(number) ?? (await this.#makeSegment(number));
    if (segment === null) return "no_space";
    if (this.#unreserved.has(number) && !this.#folder.hasFree(shape.blockBytes)) return "no_space";
    const sequence = this.#sequenceNext++;
    const header = Buffer.alloc(layout.headerBytes);
    encodeHeader({ sequence, identity }, shape, header);
    const place = this.#place(segment, slot, { header, headerFound: header, checksumsKnown });
    const syncs = options.fsync === "always";
    const [result] = await transfer.write(layout, [{ memory: source, place }], { syncs });
    if (result !== "moved") return toTierResult(result);
    this.#sequences[slot] = sequence;
    this.#unsynced.add(number);
    this.#writesUnsynced++;
    if (options.fsync === "segment" && this.#writesUnsynced >= this.#geometry.shape.slots) {
      await this.#sync();
    }
    return "moved";
  }

  /** Makes a segment once, however many writes ask for it. Null when there is no room for it. */
  async #makeSegment(number: number): Promise<Segment | null> {
    let made = this.#making.get(number);
    if (made === undefined) {
      made = this.#createSegment(number).finally(() => this.#making.delete(number));
      this.#making.set(number, made);
    }
    return made;
  }

  async #createSegment(number: number): Promise<Segment | null> {
    const { shape, segments } = this.#geometry;
    const { layout, transfer } = this.#parts;
    if (!(await this.#folder.makeRoom(segmentBytes(shape, layout)))) return null;
    const file = this.#folder.createSegment(number);
    try {
      const isReserved = await initSegment(file, number, shape, { layout, transfer });
      this.#folder.finishSegment(number);
      if (!isReserved) this.#unreserved.add(number);
    } catch (error) {
      closeSync(file);
      this.#folder.removeSegment(number);
      throw error;
    }
    const segment = new Segment(file, shape, layout);
    segments.set(number, segment);
    return segment;
  }

  /** Null when nothing readable is there. */
  #planRead({ slot, identity, target }: TierRead): PlannedRead | null {
    this.#checkSlot(slot);
    const { shape, layout } = this.#parts;
    const sequence = defined(this.#sequences[slot]);
    const segment = this.#geometry.segments.get(this.#segmentNumber(slot));
    if (sequence === 0 || segment === undefined) return null;
    const header = Buffer.alloc(layout.headerBytes);
    const found = Buffer.alloc(layout.headerBytes);
    encodeHeader({ sequence, identity }, shape, header);
    const place = this.#place(segment, slot, { header, headerFound: found, checksumsKnown: null });
    return { move: { memory: target, place }, sequence, found };
  }

  /** Tells old from foreign, and forgets a slot whose content is no use any more. */
  #judge(slot: number, { sequence, found }: PlannedRead, result: TierResult): TierResult {
    const isStale = result === "foreign" && readSequence(found) !== sequence;
    const judged = isStale ? "stale" : result;
    const isLost = judged === "stale" || judged === "torn" || judged === "corrupt";
    // A write may have filled the slot again meanwhile.
    if (isLost && this.#sequences[slot] === sequence) this.#sequences[slot] = 0;
    return judged;
  }

  #place(
    segment: Segment,
    slot: number,
    parts: Pick<FilePlace, "header" | "headerFound" | "checksumsKnown">,
  ): FilePlace {
    const index = this.#slotInSegment(slot);
    return {
      kind: "file",
      file: segment.file,
      payloadOffset: segment.payloadOffset(index),
      headerOffset: segment.headerOffset(index),
      ...parts,
    };
  }

  /** A failure is one of the disk; what was not synced is lost at worst, and found missing then. */
  async #sync(): Promise<void> {
    const numbers = [...this.#unsynced];
    this.#unsynced.clear();
    this.#writesUnsynced = 0;
    for (const number of numbers) {
      const { file } = defined(this.#geometry.segments.get(number));
      if (!(await succeeds(() => syncFile(file)))) this.#pause.failed("io");
    }
  }

  #segmentNumber(slot: number): number {
    return Math.floor(slot / this.#geometry.shape.slots);
  }

  #slotInSegment(slot: number): number {
    return slot % this.#geometry.shape.slots;
  }

  #checkSlot(slot: number): void {
    const isSlot = Number.isInteger(slot) && slot >= 0 && slot < this.#sequences.length;
    assert(isSlot, "a slot of the tier");
  }
}

/** False when the system refuses. */
async function succeeds(action: () => Promise<void>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    errorResult(error);
    return false;
  }
}
