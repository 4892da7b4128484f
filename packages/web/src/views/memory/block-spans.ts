// A sequence as it is drawn: spans of blocks in the same place, cut where something has moved since
// the view before, so that what moved can be seen moving.

import type { SequenceStretch, SequenceView } from "@loci/core";

export type Place = SequenceStretch["place"];

/**
 * Since the view before: into a faster memory, into a slower one, given up everywhere, or newly
 * computed.
 */
export type SpanMove = "rose" | "sank" | "lost" | "came";

export interface BlockSpan {
  /** Blocks [start, end) of the sequence. */
  readonly start: number;
  readonly end: number;
  readonly place: Place;
  readonly shared: boolean;
  readonly move: SpanMove | null;
}

const ranks: Readonly<Record<Place, number>> = { device: 3, host: 2, disk: 1, missing: 0 };

export function blocksOf(sequence: SequenceView): number {
  return sequence.stretches.reduce((sum, { blocks }) => sum + blocks, 0);
}

/** `before` is the same sequence as the view before showed it; nothing moved when there was none. */
export function blockSpans(
  now: SequenceView,
  before: SequenceView | undefined,
): readonly BlockSpan[] {
  const old = before === undefined ? null : placesOf(before);
  const spans: BlockSpan[] = [];
  let start = 0;
  for (const { place, blocks, shared } of now.stretches) {
    const end = start + blocks;
    for (let from = start; from < end;) {
      const piece = old === null ? null : pieceAt(old, from);
      const to = piece === null ? end : Math.min(end, piece.end);
      push(spans, { start: from, end: to, place, shared, move: moveOf(piece, place) });
      from = to;
    }
    start = end;
  }
  return spans;
}

interface OldPiece {
  readonly end: number;
  /** Null beyond the end of the sequence as it was. */
  readonly place: Place | null;
}

function placesOf(sequence: SequenceView): readonly OldPiece[] {
  let end = 0;
  return sequence.stretches.map(({ place, blocks }) => {
    end += blocks;
    return { end, place };
  });
}

function pieceAt(old: readonly OldPiece[], block: number): OldPiece {
  return old.find(({ end }) => block < end) ?? { end: Number.POSITIVE_INFINITY, place: null };
}

function moveOf(piece: OldPiece | null, place: Place): SpanMove | null {
  if (piece === null || piece.place === place) return null;
  if (piece.place === null) return place === "missing" ? null : "came";
  if (place === "missing") return "lost";
  return ranks[place] > ranks[piece.place] ? "rose" : "sank";
}

/** Joins a span to the one before when nothing tells them apart. */
function push(spans: BlockSpan[], span: BlockSpan): void {
  const last = spans.at(-1);
  const isSame =
    last !== undefined &&
    last.place === span.place &&
    last.shared === span.shared &&
    last.move === span.move;
  if (isSame) spans[spans.length - 1] = { ...last, end: span.end };
  else if (span.end > span.start) spans.push(span);
}
