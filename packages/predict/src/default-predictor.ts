// The predictor that serves: history and text, and the model's own state where there is one, by how
// right they have been, calibrated.

import { CalibratedPredictor, type CalibrationOptions } from "./combined/calibrated-predictor.ts";
import { CombinedPredictor } from "./combined/combined-predictor.ts";
import { HistoryPredictor } from "./history/history-predictor.ts";
import type { LengthPredictor } from "./length-predictor.ts";
import { TextPredictor } from "./text/text-predictor.ts";

/** `probe`: reads the model's state; null where the model gives none. */
export function defaultPredictor(
  options: CalibrationOptions,
  probe: LengthPredictor | null = null,
): CalibratedPredictor {
  const experts = [new HistoryPredictor(), new TextPredictor(), ...(probe === null ? [] : [probe])];
  return new CalibratedPredictor(new CombinedPredictor(experts), options);
}
