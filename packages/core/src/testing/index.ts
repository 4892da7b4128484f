// For tests of other packages.

export { ManualClock } from "./manual-clock.ts";
