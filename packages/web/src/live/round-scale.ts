// Round ends for scales and round distances for ticks.

/** The next of 1, 2, 5, 10, 20, 50, … (or 0.5, 0.2, …) that is not below `value`, which is positive. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  // A step computed by division may miss its own value by a rounding error.
  const step = [1, 2, 5].find((one) => value <= one * power * (1 + 1e-9)) ?? 10;
  return step * power;
}

/** `value` as a share of the scale, within it. */
export function shareOf(value: number, scale: number): number {
  return scale <= 0 ? 0 : Math.min(1, Math.max(0, value / scale));
}
