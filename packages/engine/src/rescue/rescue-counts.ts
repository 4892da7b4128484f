// What became of answers that outgrew what they were promised, since the start.

export interface RescueCounts {
  /** Answers that grew beyond their promise. */
  outgrown: number;
  /** Of these: memory was there, as the predicted peak still fitted. */
  extended: number;
  /** Memory was there because others kept below their promises. */
  borrowed: number;
  /** Steps that a request sat out because somebody was about to end. */
  waited: number;
  /** Preempted; its blocks are to come back from a memory below. */
  moved: number;
  /** Preempted; its blocks are to be computed again unless the cache keeps them. */
  recomputed: number;
  /** Of the preempted, those that were nearly done: only where nobody else could give way. */
  late: number;
}

export function zeroRescueCounts(): RescueCounts {
  return { outgrown: 0, extended: 0, borrowed: 0, waited: 0, moved: 0, recomputed: 0, late: 0 };
}
