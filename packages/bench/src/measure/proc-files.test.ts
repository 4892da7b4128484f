import { describe, expect, test } from "vitest";
import { noiseBetween, parseMachineTimes, voidReason } from "./noise-guard.ts";
import { splitCores } from "./pinning.ts";
import { parseStat, treeCost } from "./process-cpu.ts";

test("a process line is read although its command holds spaces and brackets", () => {
  const fields = "S 41 2 3 4 5 6 7 8 9 10 100 50 20 5 20 0 1 0";
  expect(parseStat(`42 (a (b) c) ${fields}`)).toEqual({ pid: 42, parentPid: 41, ticks: 175 });
});

test.runIf(process.platform === "linux")("this process has used some time and memory", () => {
  const cost = treeCost(process.pid);
  expect(cost?.cpuSeconds).toBeGreaterThan(0);
  expect(cost?.peakResidentBytes).toBeGreaterThan(10 * 1024 ** 2);
});

test("a process that is not there costs nothing", () => {
  expect(treeCost(2 ** 30)).toBeNull();
});

describe("noise", () => {
  const before = parseMachineTimes("cpu  1000 0 500 8000 0 0 0 100 0 0\ncpu0 ...\n");
  const after = parseMachineTimes("cpu  1300 0 500 8560 20 0 0 120 0 0\n");

  test("what others took is busy time less one's own", () => {
    expect(before.totalSeconds).toBe(96);
    expect(before.busySeconds).toBe(15);
    const noise = noiseBetween(before, after, 2.1);
    expect(noise.foreignShare).toBeCloseTo(0.9 / 9);
    expect(noise.stolenShare).toBeCloseTo(0.2 / 9);
  });

  test("a disturbed run is void, with the reason", () => {
    const limits = { stolenShareMax: 0.02, foreignShareMax: 0.05 };
    const quiet = { loadAverage: 3, stolenShare: 0.01, foreignShare: 0.01 };
    expect(voidReason(quiet, limits)).toBeNull();
    expect(voidReason({ ...quiet, stolenShare: 0.03 }, limits)).toContain("3.0 %");
    expect(voidReason({ ...quiet, foreignShare: 0.5 }, limits)).toContain("other processes");
    const unknown = { loadAverage: null, stolenShare: null, foreignShare: null };
    expect(voidReason(unknown, limits)).toBeNull();
  });
});

test("the client has a core of its own where there are two or more", () => {
  expect(splitCores(1).serverThreads).toBe(1);
  expect(splitCores(4).serverThreads).toBe(3);
});

test.runIf(process.platform === "linux")("on Linux the split names cores", () => {
  expect(splitCores(4)).toEqual({ serverCores: "0-2", clientCores: "3", serverThreads: 3 });
  expect(splitCores(2)).toEqual({ serverCores: "0", clientCores: "1", serverThreads: 1 });
});
