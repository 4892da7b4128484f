import { describe, expect, test } from "vitest";

import {
  canonicalArguments,
  environmentName,
  namedSettings,
  nearestName,
} from "./setting-names.ts";

describe("declarations", () => {
  test("no flag, alias or environment name is used twice", () => {
    const names = namedSettings.flatMap(({ setting }) => [
      `--${setting.flag}`,
      environmentName(setting),
      ...setting.aliases,
      ...(setting.environment ?? []),
    ]);
    expect(new Set(names).size).toBe(names.length);
  });

  test("flags are kebab-case, descriptions start small and have no full stop", () => {
    for (const { setting } of namedSettings) {
      expect(setting.flag).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(setting.description).not.toMatch(/\.$/);
      expect(setting.aliases.every((alias) => /^(-[a-z]{1,3}|--[a-z-]+)$/.test(alias))).toBe(true);
    }
  });
});

describe("canonicalArguments", () => {
  test("aliases become our flags, values and the rest stay", () => {
    const words = ["serve", "-np", "4", "--max-model-len=4096", "--no-cache-prompt", "-m", "a=b"];
    expect(canonicalArguments(words)).toEqual([
      "serve",
      "--max-num-seqs",
      "4",
      "--ctx-size=4096",
      "--no-enable-prefix-caching",
      "--model",
      "a=b",
    ]);
  });

  test("words after -- and unknown flags stay", () => {
    expect(canonicalArguments(["--", "-np"])).toEqual(["--", "-np"]);
    expect(canonicalArguments(["--nope=1", "-", "", "-np4"])).toEqual([
      "--nope=1",
      "-",
      "",
      "-np4",
    ]);
  });
});

test("nearestName finds typing errors only", () => {
  const names = ["port", "host", "kv-memory"];
  expect(nearestName("prot", names)).toBe("port");
  expect(nearestName("kv-memroy", names)).toBe("kv-memory");
  expect(nearestName("temperature", names)).toBeNull();
  expect(nearestName("", names)).toBeNull();
});
