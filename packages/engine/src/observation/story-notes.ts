// What is written down of one request's life while it lives: its phases, one after the other from when
// it was submitted, and where its prompt came from. A step writes a few numbers, whatever its size.

import { assert, viewLimits } from "@loci/core";
import type { LengthBand, StoryPhase } from "@loci/core";

/** Prompt tokens by where they came from; the rest was computed. */
export interface PromptSources {
  readonly device: number;
  readonly host: number;
  readonly disk: number;
  readonly peer: number;
  /** Of what was computed: known before. */
  readonly recomputed: number;
}

const noSources: PromptSources = { device: 0, host: 0, disk: 0, peer: 0, recomputed: 0 };

type PhaseName = StoryPhase["phase"];

interface Phase {
  phase: PhaseName;
  startMs: number;
  endMs: number;
  tokens: number;
  note: string | null;
}

export class StoryNotes {
  readonly #startMs: number;
  readonly #phases: Phase[];
  #current: Phase;
  #merged = 0;
  /** As found at its first start, and at later ones before its first token. */
  sources: PromptSources = noSources;
  /** At its first start; null where nobody predicts. */
  predicted: LengthBand | null = null;
  /** Times it gave way or began to wait for memory. */
  rescues = 0;

  constructor(submittedAtMs: number) {
    this.#startMs = submittedAtMs;
    this.#current = phaseAt("waiting", submittedAtMs);
    this.#phases = [this.#current];
  }

  get phase(): PhaseName {
    return this.#current.phase;
  }

  /** Phases written down; what grows with a request's life. */
  get phaseCount(): number {
    return this.#phases.length;
  }

  /** From now on it is in this phase; nothing changes when it is already. */
  enter(phase: PhaseName, nowMs: number, note: string | null = null): void {
    const current = this.#current;
    if (current.phase === phase) return;
    if (phase === "rescued") this.rescues++;
    const atMs = Math.max(nowMs, current.startMs);
    current.endMs = atMs;
    if (current.tokens === 0 && current.startMs === atMs && this.#merged === 0) {
      // It did not last: it never was.
      Object.assign(current, { phase, note });
      return;
    }
    if (this.#phases.length >= viewLimits.phasesMax) {
      this.#merged++;
      current.phase = phase;
      return;
    }
    this.#current = phaseAt(phase, atMs, note);
    this.#phases.push(this.#current);
  }

  /** So many tokens were computed, restored or generated in the present phase. */
  add(tokens: number): void {
    this.#current.tokens += tokens;
  }

  /** What is to be said of the present phase. */
  remark(note: string): void {
    this.#current.note = note;
  }

  /** The phases until now, or until the end. */
  phases(untilMs: number): readonly StoryPhase[] {
    const seconds = (ms: number): number => Math.max(0, ms - this.#startMs) / 1000;
    return this.#phases.map((each) => {
      const isLast = each === this.#current;
      const { phase, startMs, tokens } = each;
      const endMs = isLast ? Math.max(untilMs, startMs) : each.endMs;
      const note = isLast && this.#merged > 0 ? `and ${this.#merged} changes before` : each.note;
      return { phase, startSeconds: seconds(startMs), endSeconds: seconds(endMs), tokens, note };
    });
  }

  checkIntegrity(): void {
    assert(this.#phases.length <= viewLimits.phasesMax, "phases are bounded");
    let beforeMs = this.#startMs;
    for (const phase of this.#phases) {
      assert(phase.startMs === beforeMs, "phases follow each other without a gap");
      beforeMs = phase.endMs;
      assert(phase === this.#current || phase.endMs >= phase.startMs, "time goes on");
    }
  }
}

function phaseAt(phase: PhaseName, startMs: number, note: string | null = null): Phase {
  return { phase, startMs, endMs: startMs, tokens: 0, note };
}
