// One thing a doctor looks at: a name, a finding and, where there is one, a remedy.

import { LociError } from "@loci/core";

export type CheckStatus = "ok" | "warn" | "fail";

export interface Finding {
  readonly status: CheckStatus;
  /** What was found, in a few words. */
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export interface Check {
  readonly name: string;
  /** Looks; whatever it throws becomes a failure. */
  readonly look: () => Finding | Promise<Finding>;
}

export interface NamedFinding extends Finding {
  readonly name: string;
}

/** Runs the checks one after another: some load native code, and their order is their story. */
export async function runChecks(checks: readonly Check[]): Promise<readonly NamedFinding[]> {
  const findings: NamedFinding[] = [];
  for (const check of checks) findings.push({ name: check.name, ...(await lookSafely(check)) });
  return findings;
}

export function ok(detail: string): Finding {
  return { status: "ok", detail };
}

export function warn(detail: string, remedy: string): Finding {
  return { status: "warn", detail, remedy };
}

export function fail(detail: string, remedy: string): Finding {
  return { status: "fail", detail, remedy };
}

async function lookSafely(check: Check): Promise<Finding> {
  try {
    return await check.look();
  } catch (error) {
    if (error instanceof LociError) return { status: "fail", detail: error.message };
    const detail = error instanceof Error ? error.message : String(error);
    return fail(detail, "This is not expected; please report it with the output of loci doctor.");
  }
}
