import { LociError, resolveConfig } from "@loci/core";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { configOf } from "./engine-settings.ts";
import type { EngineSettings } from "./engine-settings.ts";

function failure(settings: object): LociError {
  try {
    configOf(settings);
  } catch (error) {
    if (error instanceof LociError) return error;
    throw error;
  }
  throw new Error("accepted, but should have been refused");
}

test("without settings everything is as the command line has it, whatever the environment", () => {
  process.env["LOCI_THREADS"] = "3";
  try {
    expect(configOf({})).toEqual(resolveConfig({ flags: {}, environment: {}, file: null }).config);
  } finally {
    delete process.env["LOCI_THREADS"];
  }
});

test("settings mean what the command line's flags of these names mean", () => {
  const settings: Required<Pick<EngineSettings, "kvMemory" | "threads" | "prefixCaching">> = {
    kvMemory: "2GiB",
    threads: 3,
    prefixCaching: false,
  };
  const flags = { kvMemory: "2GiB", threads: "3", prefixCaching: false };
  const expected = resolveConfig({ flags, environment: {}, file: null }).config;
  expect(configOf({ ...settings, model: undefined })).toEqual(expected);
  expect(configOf({ kvHostMemory: 5_000_000 }).kvHostMemory).toEqual({
    unit: "bytes",
    bytes: 5_000_000,
  });
});

test("a misspelt name is refused with the right one, a server's setting without", () => {
  expect(failure({ thread: 3 }).message).toContain("Did you mean threads?");
  expect(failure({ apiKeys: ["a"] })).toMatchObject({ code: "config_invalid" });
  expect(failure({ constructor: 1 })).toMatchObject({ code: "config_invalid" });
});

/** A refusal's code, or null for settings that are accepted. */
function refusalOf(settings: object): string | null {
  try {
    return Object.isFrozen(configOf(settings)) ? null : "not frozen";
  } catch (error) {
    return error instanceof LociError ? error.code : String(error);
  }
}

test("property: any value is a setting or an error that says so", () => {
  const names = fc.constantFrom("threads", "kvMemory", "eviction", "prefixCaching", "store", "x");
  fc.assert(
    fc.property(fc.dictionary(names, fc.jsonValue(), { maxKeys: 3 }), (settings) => {
      expect([null, "config_invalid"]).toContain(refusalOf(settings));
    }),
    { seed: 1 },
  );
});
