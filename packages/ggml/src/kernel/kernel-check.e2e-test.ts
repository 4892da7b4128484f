// The kernel outside of this process: under sanitizers, and for arm64 on an emulated processor.
// A machine without the tools skips with the line that installs them.

import { expect, test } from "vitest";
import { missingTools, runKernelCheck } from "../../native/kernel-check.ts";

const checks = { sanitize: "baseline", neon: "neon" } as const;

for (const mode of ["sanitize", "neon"] as const) {
  test(`agrees with double precision, and moves blocks: ${mode}`, ({ skip }) => {
    const missing = missingTools(mode);
    skip(missing !== null, `needs: ${missing}`);
    const lines = runKernelCheck(mode);
    expect(lines.some((line) => line.startsWith(`${checks[mode]}:`))).toBe(true);
    expect(lines.some((line) => line.startsWith("transfers:"))).toBe(true);
  });
}
