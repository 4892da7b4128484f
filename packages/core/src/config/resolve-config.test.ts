import * as fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";

import { LociError } from "../errors.ts";
import { configFilePath, formatSetting, resolveConfig } from "./resolve-config.ts";
import type { ConfigSources, ResolvedConfig } from "./resolve-config.ts";
import { namedSettings } from "./setting-names.ts";
import type { Config, MemorySize } from "./setting-types.ts";

function resolve(sources: Partial<ConfigSources> = {}): ResolvedConfig {
  return resolveConfig({ flags: {}, environment: {}, file: null, ...sources });
}

function file(json: unknown): ConfigSources["file"] {
  return { path: "loci.json", text: typeof json === "string" ? json : JSON.stringify(json) };
}

function failure(sources: Partial<ConfigSources>): LociError {
  try {
    resolve(sources);
  } catch (error) {
    if (error instanceof LociError) return error;
    throw error;
  }
  throw new Error("resolved, but should have been refused");
}

test("defaults: every declared default is valid and the result is frozen", () => {
  const { config, origins } = resolve();
  expect(config.port).toBe(9931);
  expect(config.host).toBe("127.0.0.1");
  expect(config.kvMemory).toBeNull();
  expect(config.shutdownTimeoutMs).toBe(30_000);
  expect(config.queuedTokensMax).toBe(1_048_576);
  expect(config.apiKeys).toEqual([]);
  expect(config.prefixCaching).toBe(true);
  expect(config.contextTokensMax).toBeNull();
  expect(Object.isFrozen(config)).toBe(true);
  expect(new Set(Object.values(origins))).toEqual(new Set(["default"]));
});

test("the types follow the declarations", () => {
  expectTypeOf<Config["port"]>().toEqualTypeOf<number>();
  expectTypeOf<Config["threads"]>().toEqualTypeOf<number | null>();
  expectTypeOf<Config["kvMemory"]>().toEqualTypeOf<MemorySize | null>();
  expectTypeOf<Config["logFormat"]>().toEqualTypeOf<"text" | "json">();
  expectTypeOf<Config["apiKeys"]>().toEqualTypeOf<readonly string[]>();
  expectTypeOf<Config["prefixCaching"]>().toEqualTypeOf<boolean>();
  // @ts-expect-error there is no such setting
  expect(resolve().config.prot).toBeUndefined();
});

describe("precedence", () => {
  const environment = { LOCI_PORT: "2", PORT: "3", HF_TOKEN: "token" };

  test("flag, environment, file, default", () => {
    const all = { flags: { port: "1" }, environment, file: file({ port: 4 }) };
    expect(resolve(all).config.port).toBe(1);
    expect(resolve(all).origins.port).toBe("--port");
    expect(resolve({ ...all, flags: {} }).config.port).toBe(2);
    expect(resolve({ ...all, flags: {} }).origins.port).toBe("LOCI_PORT");
    expect(resolve({ environment: { PORT: "3" }, file: all.file }).config.port).toBe(3);
    expect(resolve({ file: all.file }).origins.port).toBe('"port" in loci.json');
    expect(resolve({ environment }).config.hfToken).toBe("token");
  });

  test("an empty variable counts as absent", () => {
    expect(resolve({ environment: { LOCI_PORT: "" } }).config.port).toBe(9931);
  });

  test("auto returns to the default that is decided later", () => {
    const sources = { flags: { threads: "auto" }, file: file({ threads: 3 }) };
    expect(resolve(sources).config.threads).toBeNull();
  });

  test("property: the first source that has a value decides", () => {
    const port = fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined });
    fc.assert(
      fc.property(port, port, port, (flag, variable, key) => {
        const resolved = resolve({
          flags: flag === undefined ? {} : { port: String(flag) },
          environment: { LOCI_PORT: variable?.toString() },
          file: file(key === undefined ? {} : { port: key }),
        });
        expect(resolved.config.port).toBe(flag ?? variable ?? key ?? 9931);
      }),
    );
  });
});

test("values of every kind, from flags and from a file", () => {
  const flags = {
    kvMemory: "2GiB",
    contextTokensMax: "32K",
    apiKeys: ["a,b", "c"],
    prefixCaching: false,
    targetStepMs: "12.5",
    cacheTypeK: "q8_0",
    shutdownTimeoutMs: "250ms",
  } as const;
  const json = {
    "kv-memory": "2GiB",
    "ctx-size": 32_768,
    "api-key": ["a", "b", "c"],
    "enable-prefix-caching": false,
    "target-step-ms": 12.5,
    "cache-type-k": "q8_0",
    "shutdown-timeout": 0.25,
  };
  const expected = {
    kvMemory: { unit: "bytes", bytes: 2 ** 31 },
    contextTokensMax: 32_768,
    apiKeys: ["a", "b", "c"],
    prefixCaching: false,
    targetStepMs: 12.5,
    cacheTypeK: "q8_0",
    shutdownTimeoutMs: 250,
  };
  expect(resolve({ flags }).config).toMatchObject(expected);
  expect(resolve({ file: file(json) }).config).toMatchObject(expected);
});

describe("refusals name the source and the remedy", () => {
  test.each<[string, Partial<ConfigSources>, string]>([
    ["range", { flags: { port: "65536" } }, '--port is "65536", but must be an integer from 0'],
    ["text", { environment: { LOCI_PORT: "http" } }, 'LOCI_PORT is "http", but must be an int'],
    ["choice", { flags: { attention: "fast" } }, "must be one of auto, native, portable"],
    ["missing value", { flags: { port: true } }, "--port is true, but must be an integer"],
    ["switch", { environment: { LOCI_METRICS_NEED_KEY: "maybe" } }, "must be true or false"],
    ["too small", { flags: { kvMemory: "10" } }, "a size of at least 1MiB"],
    ["no multiple", { flags: { blockTokens: "40" } }, "from 16 to 256, a multiple of 16"],
    ["share over all", { flags: { kvMemory: "101%" } }, "a size of at least 1MiB"],
    ["wrong JSON type", { file: file({ port: [1] }) }, '"port" in loci.json is [1], but must be'],
    ["null", { file: file({ port: null }) }, '"port" in loci.json is null'],
    [
      "no key in a flag",
      { flags: { apiKeys: ["", " , "] } },
      '--api-key is "", but must be a list',
    ],
    ["no key in a file", { file: file({ "api-key": "" }) }, "must be a list of texts"],
    ["list of numbers", { file: file({ "api-key": [1] }) }, "must be a list of texts"],
    ["unknown key", { file: file({ prot: 1 }) }, '"prot" in loci.json is not a setting; did you'],
    ["prototype key", { file: file('{"__proto__": 1}') }, '"__proto__" in loci.json is not a'],
    ["unknown variable", { environment: { LOCI_PROT: "1" } }, "did you mean LOCI_PORT?"],
    ["no JSON", { file: file("port: 1") }, "loci.json is not valid JSON"],
    ["no object", { file: file("[]") }, "loci.json must hold one JSON object"],
    ["config in config", { file: file({ config: "x" }) }, "give it as --config"],
  ])("%s", (_name, sources, message) => {
    const error = failure(sources);
    expect(error.code).toBe("config_invalid");
    expect(error.message).toContain(message);
    expect(error.remedy).not.toBeNull();
  });

  test("all problems at once, and never a secret", () => {
    const error = failure({
      flags: { port: "x", threads: "0" },
      file: file({ "hf-token": 12_345, a: 1 }),
    });
    expect(error.message.split("\n").length).toBe(4);
    expect(error.message).not.toContain("12345");
  });

  test("many problems are cut short", () => {
    const keys = Array.from({ length: 500 }, (_, index) => [`key-${index}`, 1]);
    expect(failure({ file: file(Object.fromEntries(keys)) }).message).toContain("490 more");
  });
});

function outcome(fileText: string): string {
  try {
    resolve({ file: file(fileText) });
    return "resolved";
  } catch (error) {
    return error instanceof LociError ? error.code : String(error);
  }
}

test("fuzz: any file text resolves or is refused as config_invalid", () => {
  const keys = fc.constantFrom(...namedSettings.map(({ setting }) => setting.flag));
  const text = fc.oneof(
    fc.string(),
    fc.dictionary(keys, fc.jsonValue(), { maxKeys: 4 }).map((json) => JSON.stringify(json)),
  );
  fc.assert(
    fc.property(text, (fileText) => {
      expect(outcome(fileText)).toMatch(/^(resolved|config_invalid)$/);
    }),
    { seed: 3, numRuns: 500 },
  );
});

test("a formatted value, given as a flag, resolves to the same value", () => {
  const { config } = resolve({ environment: { LOCI_KV_MEMORY: "1.5GiB", LOCI_CTX_SIZE: "4k" } });
  for (const { name, setting } of namedSettings) {
    const text = formatSetting(setting, config[name]);
    const skipped = setting.kind === "text" && config[name] === null;
    if (skipped) continue;
    expect(resolve({ flags: { [name]: text } }).config[name]).toEqual(config[name]);
  }
  const keys = resolve({ flags: { apiKeys: "secret" } }).config.apiKeys;
  const declaration = namedSettings.find(({ name }) => name === "apiKeys")?.setting;
  expect(declaration && formatSetting(declaration, keys)).toBe("(hidden)");
});

test("the file to read comes from the flag or the environment", () => {
  const environment = { LOCI_CONFIG: "b.json" };
  expect(configFilePath({ flags: { configFile: "a.json" }, environment })).toBe("a.json");
  expect(configFilePath({ flags: {}, environment })).toBe("b.json");
  expect(configFilePath({ flags: {}, environment: {} })).toBeNull();
});
