// Hands a text to the browser as a download.

import { browserClock } from "./browser-clock.ts";

export function saveFile(name: string, text: string, type: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // Some browsers read it after the click.
  browserClock.after(10_000, () => URL.revokeObjectURL(address));
}

/** A text as a file's name. */
export function fileNameOf(text: string): string {
  const plain = text
    .normalize("NFKD")
    .replaceAll(/[^\w -]+/g, "")
    .trim()
    .replaceAll(/\s+/g, "-");
  return plain.slice(0, 60).toLowerCase() || "conversation";
}
