// Numbers as people read them. Pure; the same everywhere on the page.

const minuteSeconds = 60;
const hourSeconds = 3600;
const daySeconds = 86_400;

/** 950, 1.2k, 34k, 5.6M. */
export function formatCount(count: number): string {
  if (Math.abs(count) < 1000) return String(Math.round(count));
  return withUnit(count, 1000, ["k", "M", "G", "T"]);
}

/** 950 B, 1.2 KiB, 34 MiB. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  return withUnit(bytes, 1024, [" KiB", " MiB", " GiB", " TiB"]);
}

/** 0.4 ms, 340 ms, 1.2 s, 2 min 5 s, 3 h 4 min. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0) return `−${formatSeconds(-seconds)}`;
  if (seconds < 0.01) return `${trimmed(seconds * 1000)} ms`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < minuteSeconds - 0.05) return `${trimmed(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < hourSeconds) return pair([Math.floor(whole / 60), "min"], [whole % 60, "s"]);
  const minutes = Math.floor((whole % hourSeconds) / 60);
  if (whole < daySeconds) return pair([Math.floor(whole / hourSeconds), "h"], [minutes, "min"]);
  const hours = Math.floor((whole % daySeconds) / hourSeconds);
  return pair([Math.floor(whole / daySeconds), "d"], [hours, "h"]);
}

/** A share between 0 and 1: 0 %, 0.4 %, 87 %. */
export function formatShare(share: number): string {
  const percent = share * 100;
  return percent > 0 && percent < 1 ? `${trimmed(percent)} %` : `${Math.round(percent)} %`;
}

/** "just now", "5 min ago", "3 h ago", "2 d ago". */
export function formatAgo(secondsAgo: number): string {
  if (secondsAgo < 45) return "just now";
  if (secondsAgo < 45 * minuteSeconds) return `${Math.round(secondsAgo / minuteSeconds)} min ago`;
  if (secondsAgo < 22 * hourSeconds) return `${Math.round(secondsAgo / hourSeconds)} h ago`;
  return `${Math.round(secondsAgo / daySeconds)} d ago`;
}

function withUnit(value: number, base: number, units: readonly string[]): string {
  let scaled = value / base;
  let index = 0;
  while (Math.abs(scaled) >= base * 0.9995 && index < units.length - 1) {
    scaled /= base;
    index++;
  }
  return `${trimmed(scaled)}${units[index] ?? ""}`;
}

/** One digit after the point below 10, none above. */
function trimmed(value: number): string {
  return Math.abs(value) < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : value.toFixed(0);
}

type Part = readonly [count: number, unit: string];

function pair(large: Part, small: Part): string {
  const head = `${large[0]} ${large[1]}`;
  return small[0] === 0 ? head : `${head} ${small[0]} ${small[1]}`;
}
