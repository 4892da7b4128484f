// What was learned comes back after a restart, from a file for its owner's eyes, replaced as a
// whole; anything wrong with the file costs what was learned and nothing else.

import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ManualClock } from "@loci/core/testing";
import type { CalibratedPredictor, LengthQuery } from "@loci/predict";
import { expect, test } from "vitest";

import { openLengthPredictor } from "./open-length-predictor.ts";
import { lineLogger } from "./testing/line-logger.ts";

const settings = { modelName: "some model", isKept: true, seed: 1 };

const query: LengthQuery = {
  tenant: "a",
  promptTokens: new Int32Array(40),
  userText: "Name a river.",
  tokensMax: 3000,
  tokensMin: 0,
  ignoresEnd: false,
  temperature: 1,
  isConstrained: false,
};

interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly lines: string[];
  readonly clock: ManualClock;
  readonly surroundings: Parameters<typeof openLengthPredictor>[1];
}

async function place(): Promise<Place> {
  const base = await mkdtemp(join(tmpdir(), "loci-lengths-"));
  const lines: string[] = [];
  const clock = new ManualClock();
  return {
    folder: join(base, "loci"),
    lines,
    clock,
    surroundings: {
      logger: lineLogger(lines),
      clock,
      environment: { XDG_DATA_HOME: base },
    },
    [Symbol.asyncDispose]: () => rm(base, { recursive: true }),
  };
}

function teach(predictor: CalibratedPredictor, tokens: number): void {
  for (let i = 0; i < 40; i++) predictor.open(query).close({ tokens, isCensored: false });
}

function median(predictor: CalibratedPredictor): number {
  return predictor.open(query).distribution.quantile(0.5);
}

test("what was learned comes back, for the same model only", async () => {
  await using here = await place();
  const first = await openLengthPredictor(settings, here.surroundings);
  teach(first.predictor, 900);
  await first.close();
  const [name, ...others] = await readdir(here.folder);
  expect(name).toMatch(/^lengths-[0-9a-f]{16}\.bin$/);
  expect(others).toEqual([]);
  expect((await stat(join(here.folder, name ?? ""))).mode & 0o777).toBe(0o600);
  expect(here.clock.timers).toBe(0);
  const again = await openLengthPredictor(settings, here.surroundings);
  expect(median(again.predictor)).toBe(median(first.predictor));
  await again.close();
  const other = await openLengthPredictor({ ...settings, modelName: "b" }, here.surroundings);
  expect(median(other.predictor)).toBeLessThan(500);
  await other.close();
  expect(here.lines).toEqual([]);
});

test("is saved now and then, when there is something new", async () => {
  await using here = await place();
  const opened = await openLengthPredictor(settings, here.surroundings);
  here.clock.advance(300_000);
  await opened.close();
  expect(await readdir(join(here.folder, "..")).catch(() => [])).toEqual([]);
  const next = await openLengthPredictor(settings, here.surroundings);
  teach(next.predictor, 50);
  here.clock.advance(300_000);
  await expect.poll(() => readdir(here.folder).catch(() => [])).toHaveLength(1);
  await next.close();
});

test("keeps nothing when it must not", async () => {
  await using here = await place();
  const opened = await openLengthPredictor({ ...settings, isKept: false }, here.surroundings);
  teach(opened.predictor, 50);
  await opened.close();
  expect(here.clock.timers).toBe(0);
  expect(await readdir(join(here.folder, ".."))).toEqual([]);
});

test("a damaged file or a link in its place costs what was learned", async () => {
  await using here = await place();
  const first = await openLengthPredictor(settings, here.surroundings);
  teach(first.predictor, 900);
  await first.close();
  const path = join(here.folder, (await readdir(here.folder))[0] ?? "");
  await writeFile(path, "not a state");
  const second = await openLengthPredictor(settings, here.surroundings);
  expect(here.lines.join("")).toContain("not usable");
  expect(median(second.predictor)).toBeLessThan(500);
  await rm(path);
  await symlink("/dev/zero", path);
  const third = await openLengthPredictor(settings, here.surroundings);
  expect(here.lines.join("")).toContain("cannot be read");
  teach(third.predictor, 900);
  await third.close();
  // The link was replaced, not followed.
  expect((await stat(path)).isFile()).toBe(true);
});

test("a folder that cannot be written is told, and no failure", async () => {
  await using here = await place();
  await mkdir(join(here.folder, ".."), { recursive: true });
  await writeFile(here.folder, "in the way");
  const opened = await openLengthPredictor(settings, here.surroundings);
  teach(opened.predictor, 900);
  await opened.close();
  expect(here.lines.join("")).toContain("could not be saved");
});
