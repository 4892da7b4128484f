// `npm run test:equivalence`: every arm over 1,000 chats for the bundled model, 60 conversations for
// a random model of every architecture. Prints what was compared and every flip; with --json one
// last line with the figures; exit code 1 when something does not agree.
//
//   --prompts N   chats for the bundled model
//   --model TEXT  only models whose name has it
//   --device NAME what computes, with --device-packages as for loci serve

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { chooseDevice } from "@loci/model";

import { findProblems, measureEquivalence } from "./measure-equivalence.ts";
import type { ArmReport } from "./measure-equivalence.ts";
import { openSubject, subjects } from "./subjects.ts";
import type { Subject } from "./subjects.ts";

const { values } = parseArgs({
  options: {
    prompts: { type: "string", default: "1000" },
    model: { type: "string", default: "" },
    device: { type: "string", default: "cpu" },
    "device-packages": { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const device = chooseDevice(values.device, values["device-packages"] ?? null);
const folder = await mkdtemp(join(tmpdir(), "loci-equivalence-"));
try {
  const reports: ArmReport[] = [];
  for (const subject of subjects.filter(({ name }) => name.includes(values.model))) {
    reports.push(...(await measure(subject)));
  }
  print(reports);
} finally {
  await rm(folder, { recursive: true });
}

async function measure(subject: Subject): Promise<readonly ArmReport[]> {
  const prompts = Number(values.prompts);
  const count = subject.bundled ? prompts : Math.ceil((prompts * 6) / 100);
  await using opened = await openSubject(subject, folder, count, device);
  const onSet = (done: number): void => {
    process.stderr.write(`${subject.name}: ${done} of ${count}\n`);
  };
  return await measureEquivalence({ ...opened, setSize: subject.setSize, folder, onSet });
}

function print(reports: readonly ArmReport[]): void {
  const rows = reports.map((report) => [
    report.model,
    report.arm,
    `${report.prompts}`,
    `${report.tokensCompared}`,
    `${report.cachedTokens}`,
    `${report.restoredFromHost}`,
    `${report.restoredFromDisk}`,
    `${report.recomputedTokens}`,
    `${report.preemptions}`,
    report.errorMax.toExponential(1),
    `${report.flips.length}`,
    `${report.setsTaken} of ${report.sets}`,
  ]);
  const head =
    "model | history | prompts | tokens | cached | from host | from disk | recomputed | " +
    "preempted | logits differ | flips | sets that took the path";
  process.stdout.write(`${[head, ...rows.map((row) => row.join(" | "))].join("\n")}\n`);
  const flips = reports.flatMap((report) => report.flips);
  for (const flip of flips) {
    const where = `${flip.model}, ${flip.arm}, conversation ${flip.conversation}`;
    const what = `token ${flip.position} is ${flip.found}, not ${flip.expected}`;
    process.stdout.write(`flip: ${where}: ${what}, margin ${flip.margin.toExponential(1)}\n`);
  }
  const problems = reports.flatMap(findProblems);
  for (const problem of problems) process.stdout.write(`does not agree: ${problem}\n`);
  if (values.json) {
    const figures = { reports, flips: flips.length, problems, met: problems.length === 0 };
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  }
  process.exitCode = problems.length > 0 ? 1 : 0;
}
