// A cached answer is the computed one, wherever the cache lay: the short form of
// `npm run test:equivalence`.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { defined } from "@loci/core";
import { runsAllDeviceTests, vulkanForTests } from "@loci/ggml/vulkan-for-tests";
import { afterAll, expect, test } from "vitest";

import { arms, spoilingArm } from "./arms.ts";
import { findProblems, measureEquivalence } from "./measure-equivalence.ts";
import { openSubject, subjects } from "./subjects.ts";

const folder = mkdtempSync(join(tmpdir(), "loci-equivalence-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a block that holds something else is noticed", async () => {
  const [subject] = subjects;
  await using opened = await openSubject(defined(subject), folder, 8);
  const options = { ...opened, setSize: 8, folder };
  const report = await measureEquivalence({ ...options, arms: [spoilingArm] });
  expect(report.flatMap(findProblems).join()).toMatch(/logits differ/);
});

test.each(subjects)("$name answers alike from every memory", async (subject) => {
  const count = subject.bundled ? 40 : 8;
  await using opened = await openSubject(subject, folder, count);
  const reports = await measureEquivalence({ ...opened, setSize: subject.setSize, folder });
  expect(reports).toHaveLength(arms.length);
  expect(reports.flatMap(findProblems)).toEqual([]);
});

const { device, note } = vulkanForTests({ exact: true });
/** What moves blocks in every way; a software driver would take minutes for all. */
const deviceArms = arms.filter(({ name }) => /^(host hit|after preemption|all tiers)/.test(name));

test.skipIf(device === null || !runsAllDeviceTests())(`on Vulkan, too (${note})`, async () => {
  const subject = defined(subjects.find(({ name }) => name === "random qwen2"));
  await using opened = await openSubject(subject, folder, 4, device ?? undefined);
  const reports = await measureEquivalence({ ...opened, setSize: 4, folder, arms: deviceArms });
  expect(reports).toHaveLength(3);
  expect(reports.flatMap(findProblems)).toEqual([]);
});
