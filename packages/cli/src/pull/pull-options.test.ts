// Settings and environment of a pull.

import { LociError } from "@loci/core";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { modelsFolder } from "./models-folder.ts";
import { pullOptions } from "./pull-options.ts";

const terminal = { write: () => {}, columns: null };
const options = (environment: NodeJS.ProcessEnv) => pullOptions({}, environment, terminal);

test.each([
  [null, {}, join(homedir(), ".cache", "loci", "models")],
  [null, { XDG_CACHE_HOME: "/x" }, "/x/loci/models"],
  [null, { XDG_CACHE_HOME: "relative" }, join(homedir(), ".cache", "loci", "models")],
  ["models", { XDG_CACHE_HOME: "/x" }, resolve("models")],
])("models of %s with %j live in %s", (given, environment, folder) => {
  expect(modelsFolder(given, environment)).toBe(folder);
});

describe("the environment", () => {
  test("is read as the hub's other clients read it", () => {
    const read = options({ HF_ENDPOINT: "https://hub.example/base/", HF_TOKEN: " hf_x\n" });
    expect(read.hubUrl).toBe("https://hub.example/base");
    expect(read.token).toBe("hf_x");
    expect(read.offline).toBe(false);
    expect(options({ HF_HUB_OFFLINE: "1" }).offline).toBe(true);
    expect(options({ HF_HUB_OFFLINE: "0" }).offline).toBe(false);
    expect(options({}).hubUrl).toBe("https://huggingface.co");
    expect(options({}).token).toBeNull();
  });

  test("yields to settings", () => {
    const read = pullOptions({ hfToken: "hf_y" }, { HF_TOKEN: "hf_x" }, terminal);
    expect(read.token).toBe("hf_y");
  });

  test.each([
    { HF_ENDPOINT: "file:///etc" },
    { HF_ENDPOINT: "not an address" },
    { HF_ENDPOINT: "https://user@hub.example" },
    { HF_TOKEN: "a b" },
    { HF_TOKEN: "hf_x\r\nhost: y" },
  ])("%j is refused", (environment) => {
    expect(() => options(environment)).toThrow(LociError);
  });
});
