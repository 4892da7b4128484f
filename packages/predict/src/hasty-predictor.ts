// A predictor that can be told that traffic has changed, and then forgets faster for a while.

import type { LengthPredictor } from "./length-predictor.ts";

export interface HastyPredictor extends LengthPredictor {
  hasten(): void;
}

/** Tells `predictor`, if it listens. */
export function hasten(predictor: LengthPredictor): void {
  if (isHasty(predictor)) predictor.hasten();
}

function isHasty(predictor: LengthPredictor): predictor is HastyPredictor {
  return "hasten" in predictor && typeof predictor.hasten === "function";
}
