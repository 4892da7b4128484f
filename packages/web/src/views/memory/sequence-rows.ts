// Sequences as rows: what each is called, where its blocks lie, and the same in words.

import type { SequenceView } from "@loci/core";
import { plural } from "../../live/plural.ts";
import { blocksOf, blockSpans, type BlockSpan, type Place } from "./block-spans.ts";
import { tierNames } from "./happening-words.ts";

export interface SequenceRow {
  readonly sequence: SequenceView;
  readonly blocks: number;
  readonly spans: readonly BlockSpan[];
  /** Share of the full width: by the square root, so that short sequences stay visible. */
  readonly width: number;
  /** "12 blocks in device memory, 3 on disk; 4 shared". */
  readonly words: string;
}

const widthMin = 0.06;

export function sequenceRows(
  now: readonly SequenceView[],
  before: ReadonlyMap<string, SequenceView>,
): readonly SequenceRow[] {
  const longest = now.reduce((most, sequence) => Math.max(most, blocksOf(sequence)), 1);
  return now.map((sequence) => {
    const blocks = blocksOf(sequence);
    return {
      sequence,
      blocks,
      spans: blockSpans(sequence, before.get(sequence.key)),
      width: Math.max(widthMin, Math.sqrt(blocks / longest)),
      words: wordsOf(sequence),
    };
  });
}

const order: readonly Place[] = ["device", "host", "disk", "missing"];

function wordsOf({ stretches }: SequenceView): string {
  const sums = new Map<Place, number>();
  let shared = 0;
  for (const { place, blocks, shared: isShared } of stretches) {
    sums.set(place, (sums.get(place) ?? 0) + blocks);
    if (isShared) shared += blocks;
  }
  const places = order.flatMap((place) => {
    const blocks = sums.get(place) ?? 0;
    return blocks === 0 ? [] : [`${plural(blocks, "block")} ${placeWords[place]}`];
  });
  const all = places.length === 0 ? "no blocks" : places.join(", ");
  return shared === 0 ? all : `${all}; ${plural(shared, "block")} shared with others`;
}

const placeWords: Readonly<Record<Place, string>> = {
  device: `in ${tierNames.device}`,
  host: `in ${tierNames.host}`,
  disk: `on ${tierNames.disk}`,
  missing: tierNames.missing,
};
