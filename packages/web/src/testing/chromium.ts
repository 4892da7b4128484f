// The system's Chromium, without a window.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** Throws one line that says what to install. */
export async function launchChromium(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({
    executablePath: chromiumPath(),
    // Chromium's sandbox refuses to work for root.
    args: [...(isRoot ? ["--no-sandbox"] : []), "--disable-dev-shm-usage", "--hide-scrollbars"],
  });
}

function chromiumPath(): string {
  const chosen = process.env["LOCI_CHROMIUM"];
  if (chosen !== undefined && chosen !== "") return chosen;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find(isExecutable);
  if (found !== undefined) return found;
  throw new Error(
    "No Chromium was found: apt-get install chromium, or name one with LOCI_CHROMIUM.",
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
