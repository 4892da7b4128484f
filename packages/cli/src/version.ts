// The one version all packages share.

import { readFileSync } from "node:fs";

/** As package.json states it, e.g. "0.1.0". */
export function lociVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const manifest: unknown = JSON.parse(text);
  const hasVersion = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return hasVersion && typeof manifest.version === "string" ? manifest.version : "unknown";
}
