// The cost of a device that was measured: the coefficients of a server's own latency model, and the
// time that its loop adds to every step.

import { LociError } from "@loci/core";
import type { LatencyCoefficients } from "@loci/core";
import { secondsOfMove } from "./cost-model.ts";
import type { CostModel, MoveRates, MoveWork, StepWork } from "./cost-model.ts";

/** What a calibration file holds. */
export interface FittedCoefficients extends LatencyCoefficients {
  /** Between the end of a step and the start of the next, in seconds; 0 when absent. */
  readonly secondsBetweenSteps?: number;
}

/** A step takes at least so long, whatever the coefficients say. */
const stepSecondsMin = 1e-6;
/** No coefficient of a working device is larger: a minute for each token, say. */
const coefficientMax = 60;

/** A memory-bound host: what was measured on a small machine for copies in memory and on disk. */
const defaultMoves: MoveRates = {
  hostBytesPerSecond: 5e9,
  diskBytesPerSecond: 1e9,
  secondsPerMove: 1e-4,
};

const names = [
  "secondsPerStep",
  "secondsPerToken",
  "secondsPerAttended",
  "secondsPerSequence",
] as const;

/** Steps cost what a latency model says. */
export class FittedCost implements CostModel {
  readonly name: string;
  readonly coefficients: FittedCoefficients;
  readonly #moves: MoveRates;

  constructor(name: string, coefficients: FittedCoefficients, moves: MoveRates = defaultMoves) {
    this.name = name;
    this.coefficients = coefficients;
    this.#moves = moves;
  }

  /** See CostModel. */
  stepSeconds({ tokens, attended, sequences }: StepWork): number {
    const { secondsPerStep, secondsPerToken, secondsPerAttended, secondsPerSequence } =
      this.coefficients;
    const computing =
      secondsPerStep +
      secondsPerToken * tokens +
      secondsPerAttended * attended +
      secondsPerSequence * sequences;
    return Math.max(stepSecondsMin, computing + (this.coefficients.secondsBetweenSteps ?? 0));
  }

  /** See CostModel. */
  moveSeconds(work: MoveWork): number {
    return secondsOfMove(work, this.#moves);
  }
}

/** Coefficients from JSON text. Throws LociError `config_invalid` with the field at fault. */
export function parseCoefficients(text: string): FittedCoefficients {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refused("The coefficients are not JSON.", error);
  }
  if (typeof value !== "object" || value === null) throw refused("The coefficients are no object.");
  const number = (name: string): number => {
    const field: unknown = Reflect.get(value, name);
    if (typeof field === "number" && field >= 0 && field <= coefficientMax) return field;
    throw refused(`The coefficient ${name} is not a number of 0 to ${coefficientMax}.`);
  };
  const [perStep, perToken, perAttended, perSequence] = names.map((name) => number(name));
  const between = Reflect.has(value, "secondsBetweenSteps") ? number("secondsBetweenSteps") : 0;
  return {
    secondsPerStep: perStep ?? 0,
    secondsPerToken: perToken ?? 0,
    secondsPerAttended: perAttended ?? 0,
    secondsPerSequence: perSequence ?? 0,
    secondsBetweenSteps: between,
  };
}

function refused(message: string, cause?: unknown): LociError {
  return new LociError("config_invalid", message, cause === undefined ? {} : { cause });
}
