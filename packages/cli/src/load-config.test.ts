import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { loadApiKeys, loadConfig } from "./load-config.ts";

interface TestFile extends AsyncDisposable {
  readonly path: string;
}

async function file(text: string): Promise<TestFile> {
  const folder = await mkdtemp(join(tmpdir(), "loci-config-"));
  const path = join(folder, "file");
  await writeFile(path, text);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

describe("loadConfig", () => {
  test("reads the file that the flag or the environment names", async () => {
    await using json = await file('{ "port": 1234 }');
    const byFlag = await loadConfig({ configFile: json.path }, {});
    const byEnvironment = await loadConfig({}, { LOCI_CONFIG: json.path });
    expect([byFlag.config.port, byEnvironment.config.port]).toEqual([1234, 1234]);
  });

  test("a file that is not there is an error, not a default", async () => {
    await expect(loadConfig({}, { LOCI_CONFIG: "missing.json" })).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining("missing.json cannot be read"),
    });
  });
});

describe("loadApiKeys", () => {
  test("joins flag and file, without comments, blank lines and duplicates", async () => {
    await using keys = await file("# ours\r\none\r\n\n  two  \n");
    const { config } = await loadConfig({ apiKeys: ["one", "three"], apiKeyFile: keys.path }, {});
    expect(await loadApiKeys(config)).toEqual(["one", "three", "two"]);
  });

  test("a file without a key is an error: the server would be open", async () => {
    await using keys = await file("# nothing yet\n");
    const { config } = await loadConfig({ apiKeyFile: keys.path }, {});
    await expect(loadApiKeys(config)).rejects.toThrow("holds no key");
  });
});
