// Values of the simulator's flags, each with its bounds. What lies outside ends the command with a
// message, before anything runs.

import type { Command } from "commander";
import { InvalidArgumentError } from "commander";

/** For commander: a whole number from `low` to `high`. */
export function integerWithin(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= low && value <= high) {
      return value;
    }
    throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
  };
}

/** For commander: a number from `low` to `high`. */
export function numberWithin(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be a number from ${low} to ${high}.`);
  };
}

/** For commander: one of a closed set of words. */
export function oneOf<T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    throw new InvalidArgumentError(`It must be one of: ${words.join(", ")}.`);
  };
}

/** The number a flag was given, or its default; null when it has neither. */
export function numberOption(command: Command, name: string): number | null {
  const value: unknown = command.optsWithGlobals()[name];
  return typeof value === "number" ? value : null;
}

/** The text a flag was given, or its default; null when it has neither. */
export function textOption(command: Command, name: string): string | null {
  const value: unknown = command.optsWithGlobals()[name];
  return typeof value === "string" ? value : null;
}

/** Whether a switch was given. */
export function isSet(command: Command, name: string): boolean {
  return command.optsWithGlobals()[name] === true;
}
