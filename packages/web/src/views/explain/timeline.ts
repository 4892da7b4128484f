// A request's life as a line: its phases side by side, on one scale of seconds.

import type { RequestStory, StoryPhase } from "@loci/core";
import { roundUp, shareOf } from "../../live/round-scale.ts";

export interface TimelinePiece {
  readonly phase: StoryPhase["phase"];
  /** Shares of the whole width. */
  readonly left: number;
  readonly width: number;
  readonly seconds: number;
  readonly tokens: number;
  readonly note: string | null;
}

export interface Timeline {
  readonly pieces: readonly TimelinePiece[];
  /** Seconds at the right end. */
  readonly seconds: number;
  /** Where the first token came; null before it. */
  readonly firstToken: number | null;
  readonly ticks: readonly { readonly at: number; readonly seconds: number }[];
}

const ticksMax = 6;

export function timelineOf({ phases, endSeconds, firstTokenSeconds }: RequestStory): Timeline {
  const last = phases.reduce((latest, phase) => Math.max(latest, phase.endSeconds), 0);
  // A request that never was anywhere still has a line, of no length.
  const seconds = Math.max(endSeconds ?? 0, last, firstTokenSeconds ?? 0);
  const share = (at: number): number => shareOf(at, seconds);
  return {
    pieces: phases.map((one) => ({
      phase: one.phase,
      left: share(one.startSeconds),
      width: Math.max(0, share(one.endSeconds) - share(one.startSeconds)),
      seconds: Math.max(0, one.endSeconds - one.startSeconds),
      tokens: one.tokens,
      note: one.note,
    })),
    seconds,
    firstToken: firstTokenSeconds === null ? null : share(firstTokenSeconds),
    ticks: ticksOf(seconds),
  };
}

/** Round seconds from 0, at most `ticksMax`, none beyond the end. */
function ticksOf(seconds: number): Timeline["ticks"] {
  if (seconds <= 0) return [];
  const step = roundUp(seconds / (ticksMax - 1));
  const count = Math.min(ticksMax, Math.floor(seconds / step + 1e-9) + 1);
  return Array.from({ length: count }, (_, index) => ({
    at: shareOf(index * step, seconds),
    seconds: index * step,
  }));
}
