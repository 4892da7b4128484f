// Time that processes of one machine share: what one writes into a token, the other can compare with.

/** Stamps repeat after this many microseconds: 18 minutes. */
const stampSpan = 2 ** 30;

/** Microseconds on the machine's monotonic clock, as a token id. */
export function stampNow(): number {
  return Number((process.hrtime.bigint() / 1000n) % BigInt(stampSpan));
}

/** Milliseconds since a stamp was taken. */
export function msSince(stamp: number): number {
  return ((stampNow() - stamp + stampSpan) % stampSpan) / 1000;
}
