// Sizes, durations, counts and shares as people write them ("2GiB", "500MB", "30s", "32k", "40%").
// `tryParse…` returns null for text that is not one; `format…` writes a text that parses back to
// exactly the same number; `approximate…` is for reading only.

interface Unit {
  readonly name: string;
  readonly size: number;
}

/** Largest first. Decimal units say B, binary ones iB; a bare letter is binary, as in Docker. */
const byteUnits: readonly Unit[] = [
  { name: "TiB", size: 2 ** 40 },
  { name: "TB", size: 1e12 },
  { name: "GiB", size: 2 ** 30 },
  { name: "GB", size: 1e9 },
  { name: "MiB", size: 2 ** 20 },
  { name: "MB", size: 1e6 },
  { name: "KiB", size: 2 ** 10 },
  { name: "kB", size: 1e3 },
  { name: "B", size: 1 },
];

const durationUnits: readonly Unit[] = [
  { name: "h", size: 3_600_000 },
  { name: "min", size: 60_000 },
  { name: "s", size: 1_000 },
  { name: "ms", size: 1 },
];

/** As in vLLM: a small letter counts in thousands, a capital one in 1,024s. */
const countSuffixes: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["k", 1e3],
  ["m", 1e6],
  ["g", 1e9],
  ["K", 2 ** 10],
  ["M", 2 ** 20],
  ["G", 2 ** 30],
]);

/** A longer text is no number; keeps error messages and regular expressions short. */
const numberTextMax = 32;
const numberPattern = /^(\d+(?:\.\d+)?)\s*([a-z%]*)$/i;

/** Bytes; a plain number is bytes. */
export function tryParseBytes(text: string): number | null {
  const parts = splitNumber(text);
  if (!parts) return null;
  const name = parts.unit.toLowerCase();
  const size = name === "" ? 1 : findByteUnit(name)?.size;
  return size === undefined ? null : wholeNumber(parts.value * size);
}

/** Milliseconds; a plain number is seconds. */
export function tryParseDurationMs(text: string): number | null {
  const parts = splitNumber(text);
  if (!parts) return null;
  const name = parts.unit.toLowerCase().replace(/^$/, "s").replace(/^m$/, "min");
  const unit = durationUnits.find((each) => each.name === name);
  return unit ? wholeNumber(parts.value * unit.size) : null;
}

/** A whole number, optionally with k, m, g (thousands) or K, M, G (1,024s). */
export function tryParseCount(text: string): number | null {
  const parts = splitNumber(text);
  const size = parts ? countSuffixes.get(parts.unit) : undefined;
  if (!parts || size === undefined) return null;
  const value = parts.value * size;
  return Number.isSafeInteger(value) ? value : null;
}

/** "40%" as 0.4. The sign is required. */
export function tryParseShare(text: string): number | null {
  const parts = splitNumber(text);
  return parts?.unit === "%" ? parts.value / 100 : null;
}

/** The shortest unit text that means exactly `bytes`. */
export function formatBytes(bytes: number): string {
  return formatExactly(bytes, byteUnits, tryParseBytes);
}

/** The shortest unit text that means exactly `durationMs` (whole milliseconds). */
export function formatDuration(durationMs: number): string {
  return formatExactly(durationMs, durationUnits, tryParseDurationMs);
}

export function formatShare(share: number): string {
  return `${Number((share * 100).toPrecision(12))}%`;
}

/** For reading: binary units, three significant digits, e.g. "1.93 GiB". */
export function approximateBytes(bytes: number): string {
  const binary = byteUnits.filter((unit) => unit.name.endsWith("iB") || unit.size === 1);
  return approximate(bytes, binary);
}

/** For reading: three significant digits, e.g. "1.25 s". */
export function approximateDuration(durationMs: number): string {
  return approximate(durationMs, durationUnits);
}

function splitNumber(text: string): { readonly value: number; readonly unit: string } | null {
  const trimmed = text.trim();
  if (trimmed.length > numberTextMax) return null;
  const match = numberPattern.exec(trimmed);
  return match ? { value: Number(match[1]), unit: match[2] ?? "" } : null;
}

function findByteUnit(name: string): Unit | undefined {
  const full = /^[kmgt]$/.test(name) ? `${name}ib` : name;
  return byteUnits.find((unit) => unit.name.toLowerCase() === full);
}

function wholeNumber(value: number): number | null {
  const rounded = Math.round(value);
  return Number.isSafeInteger(rounded) ? rounded : null;
}

function formatExactly(
  value: number,
  units: readonly Unit[],
  parse: (text: string) => number | null,
): string {
  for (const unit of units) {
    if (value < unit.size) continue;
    const text = `${Number((value / unit.size).toFixed(2))}${unit.name}`;
    if (parse(text) === value) return text;
  }
  return `${value}${units.at(-1)?.name ?? ""}`;
}

function approximate(value: number, units: readonly Unit[]): string {
  const unit = units.find((each) => value >= each.size) ?? units.at(-1);
  if (!unit) return String(value);
  const scaled = value / unit.size;
  const digits = scaled >= 100 || unit.size === 1 ? 0 : scaled >= 10 ? 1 : 2;
  return `${scaled.toFixed(digits)} ${unit.name}`;
}
