// "1 block", "12 blocks", "3.4k blocks".

import { formatCount } from "../format.ts";

export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
