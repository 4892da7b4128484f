// `loci doctor`: looks at everything serving needs and says what to do about what is missing.

import type { Config } from "@loci/core";

import { exitCodes } from "../exit-codes.ts";
import { paint } from "../output.ts";
import type { Colour, Output } from "../output.ts";
import { modelsFolder } from "../pull/models-folder.ts";
import { runChecks } from "./check.ts";
import type { CheckStatus, NamedFinding } from "./check.ts";
import { machineChecks } from "./machine-checks.ts";
import { nativeChecks } from "./native-checks.ts";

const statusColours: Readonly<Record<CheckStatus, Colour>> = {
  ok: "green",
  warn: "yellow",
  fail: "red",
};

/** Exit code 1 when a check fails; warnings do not count. */
export async function runDoctor(config: Config, output: Output, json: boolean): Promise<number> {
  const models = modelsFolder(config.modelsDir, process.env);
  const checks = [...machineChecks(config, models), ...nativeChecks(config)];
  const findings = await runChecks(checks);
  const failed = findings.filter(({ status }) => status === "fail").length;
  if (json) output.out(`${JSON.stringify({ ok: failed === 0, checks: findings })}\n`);
  else output.out(findingsText(findings, output));
  return failed === 0 ? exitCodes.ok : exitCodes.failed;
}

/** One line for each finding, its remedy on the next. */
export function findingsText(
  findings: readonly NamedFinding[],
  output: Pick<Output, "coloured">,
): string {
  const width = Math.max(0, ...findings.map(({ name }) => name.length));
  const lines = findings.map(({ status, name, detail, remedy }) => {
    const mark = paint(output, statusColours[status], status.padEnd(4));
    const advice = remedy ? `\n${" ".repeat(width + 8)}${remedy}` : "";
    return `${mark}  ${name.padEnd(width)}  ${detail}${advice}`;
  });
  const worst = findings.some(({ status }) => status === "fail");
  return `${lines.join("\n")}\n\n${worst ? "Not ready to serve." : "Ready to serve."}\n`;
}
