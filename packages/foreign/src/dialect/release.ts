// Releases of engines, as far as what they understand goes by them.

/** True also for versions that are not numbers: built from recent source, most likely. */
export function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const numbers = /^v?(\d+(?:\.\d+)*)/.exec(version)?.[1]?.split(".").map(Number);
  if (numbers === undefined) return true;
  for (const [index, least] of wanted.entries()) {
    const number = numbers[index] ?? 0;
    if (number !== least) return number > least;
  }
  return true;
}
