// Amounts as people read them on a terminal. Sizes of files are decimal, as hubs and shops give them;
// memory is binary (`approximateBytes` of core), as operating systems count it.

/** Decimal units, as file sizes are given on the hub: `531 MB`, `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  // What rounds to four digits belongs to the next unit.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit] ?? ""}`;
}

export function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A share of a whole: `85%`; `<1%` for less than one half that is not nothing. */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return "0%";
  const percent = Math.round((part / whole) * 100);
  return percent === 0 ? "<1%" : `${percent}%`;
}

/** How long ago, in the largest unit that says something: `now`, `5 min ago`, `3 days ago`. */
export function formatAgo(seconds: number): string {
  if (seconds < 60) return "now";
  const [size, unit] = ages.find(([each]) => seconds >= each) ?? [60, "min"];
  const count = Math.floor(seconds / size);
  return `${count} ${unit}${count > 1 && unit !== "min" && unit !== "h" ? "s" : ""} ago`;
}

const ages: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400 * 365, "year"],
  [86_400 * 30, "month"],
  [86_400, "day"],
  [3600, "h"],
  [60, "min"],
];
