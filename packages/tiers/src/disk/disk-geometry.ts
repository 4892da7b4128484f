// How the disk tier's bytes are cut into segments. Files that are there decide, so that another size
// bound does not throw away what an earlier run has kept.

import { closeSync } from "node:fs";
import { LociError } from "@loci/core";
import type { TransferLayout } from "@loci/ggml";
import type { DiskFolder } from "./disk-folder.ts";
import {
  Segment,
  type SegmentShape,
  readSegmentShape,
  segmentBytes,
  segmentHeaderBytes,
} from "./segment.ts";
import type { SlotShape } from "./slot-header.ts";

/** Large enough that files are few, small enough that a small cache takes little space. */
const segmentBytesTarget = 64 * 1024 ** 2;
const segmentsTarget = 256;
/** Open files at most, when earlier runs made smaller segments. */
const segmentsMax = 512;

export interface DiskGeometry {
  readonly shape: SegmentShape;
  readonly segmentCount: number;
  /** Segments that are there, by number. */
  readonly segments: Map<number, Segment>;
}

/** LociError `config_invalid` when not one block fits. */
export function openGeometry(
  folder: DiskFolder,
  slotShape: SlotShape,
  options: { readonly layout: TransferLayout; readonly bytesMax: number },
): DiskGeometry {
  const { layout, bytesMax } = options;
  let shape: SegmentShape | null = null;
  const segments = new Map<number, Segment>();
  for (const number of folder.segmentNumbers()) {
    const file = tryOpen(folder, number);
    if (file === null) continue;
    const found = readSegmentShape(file, number, slotShape, layout);
    const isUsable =
      found !== null &&
      (shape === null ? countSegments(found, options) > 0 : found.slots === shape.slots) &&
      number < countSegments(found, options);
    if (isUsable) {
      shape = found;
      segments.set(number, new Segment(file, found, layout));
    } else {
      closeSync(file);
      folder.removeSegment(number);
    }
  }
  shape ??= newShape(slotShape, layout, bytesMax);
  return { shape, segmentCount: countSegments(shape, options), segments };
}

/** Null: not a file of ours; it is removed and made anew when needed. */
function tryOpen(folder: DiskFolder, number: number): number | null {
  try {
    return folder.openSegment(number);
  } catch (error) {
    // A symbolic link, another owner's file or a broken one: never used, and not ours to follow.
    void error;
    folder.removeSegment(number);
    return null;
  }
}

function countSegments(
  shape: SegmentShape,
  { layout, bytesMax }: { readonly layout: TransferLayout; readonly bytesMax: number },
): number {
  return Math.min(segmentsMax, Math.floor(bytesMax / segmentBytes(shape, layout)));
}

function newShape(slotShape: SlotShape, layout: TransferLayout, bytesMax: number): SegmentShape {
  const bytesWanted = Math.max(segmentBytesTarget, Math.floor(bytesMax / segmentsTarget));
  const bytes = Math.min(bytesWanted, bytesMax) - 2 * segmentHeaderBytes;
  const slots = Math.floor(bytes / (slotShape.blockBytes + layout.headerBytes));
  if (slots >= 1) return { ...slotShape, slots };
  const needed = slotShape.blockBytes + layout.headerBytes + 2 * segmentHeaderBytes;
  throw new LociError("config_invalid", `${bytesMax} bytes on disk hold no block.`, {
    remedy: `Give --kv-disk-size at least ${needed} bytes.`,
  });
}
