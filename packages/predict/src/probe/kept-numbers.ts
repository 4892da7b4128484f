// What the probe has learned, as bytes for a file: all of its numbers in a fixed order, behind a
// word on which model's states and which draws they belong to.

import { StateReader, StateWriter } from "../state/state-bytes.ts";

/** Numbers that are kept over restarts; saved from here and restored to here. */
export interface KeptNumbers {
  readonly values: Float32Array;
  /** None may be smaller; absent: any will do. */
  readonly least?: number;
}

/** Numbers of another kind mean nothing to each other. */
export interface NumbersKind {
  readonly hiddenSize: number;
  readonly seed: number;
}

const stateKind = 6;
const stateVersion = 1;
const greatestSingle = (2 - 2 ** -23) * 2 ** 127;

export function writeNumbers(kind: NumbersKind, numbers: readonly KeptNumbers[]): Uint8Array {
  const writer = new StateWriter();
  writer.whole(kind.hiddenSize);
  writer.whole(kind.seed);
  for (const { values } of numbers) writer.singles(values);
  return writer.finish(stateKind, stateVersion);
}

/** Takes the numbers up. False, and nothing changed, when the bytes are not of this kind, or damaged. */
export function readNumbers(
  bytes: Uint8Array,
  kind: NumbersKind,
  numbers: readonly KeptNumbers[],
): boolean {
  const reader = StateReader.open(bytes, stateKind, stateVersion);
  if (reader === null) return false;
  for (const word of [kind.hiddenSize, kind.seed]) reader.whole({ min: word, max: word });
  const found = numbers.map(({ values, least = -greatestSingle }) =>
    reader.singles({ min: values.length, max: values.length }, { min: least, max: greatestSingle }),
  );
  if (!reader.isWhole()) return false;
  for (const [index, { values }] of numbers.entries()) values.set(found[index] ?? values);
  return true;
}
