// Pulls from a stand-in hub that fails in every way a network and its servers do.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LociError, uniformAt } from "@loci/core";
import { encodeGguf } from "@loci/ggml";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseModelReference, type HubReference } from "./model-reference.ts";
import { ModelStore } from "./model-store.ts";
import { pullModel } from "./pull-model.ts";
import type { PullOptions } from "./pull-options.ts";
import { listModels, removeModel, resolveModel } from "./resolve-model.ts";
import { retryPolicyDefault } from "./retry.ts";
import { InstantClock } from "./testing/instant-clock.ts";
import { StandInHub } from "./testing/stand-in-hub.ts";

const noise = Uint8Array.from({ length: 300_000 }, (_, index) => uniformAt(1, index) * 256);
const model = encodeGguf({
  metadata: new Map([["general.architecture", { type: "string", value: "llama" }]]),
  tensors: [{ name: "t", type: 24, dimensions: [noise.byteLength], data: noise }],
});
const small = encodeGguf({ metadata: new Map(), tensors: [] });
const repo = "maker/Tiny-GGUF";
const text = "hf:maker/Tiny-GGUF:q8_0";

let hub: StandInHub;
let folder: string;
let written: string;
let clock: InstantClock;
let names: number;

beforeEach(async () => {
  hub = await StandInHub.start();
  hub.files.set(repo, [
    { path: "README.md", content: Buffer.from("# Tiny"), isLarge: false },
    { path: "tiny-q4_0.gguf", content: small },
    { path: "tiny-q8_0.gguf", content: model },
    { path: "tiny-f16-00001-of-00002.gguf", content: small },
  ]);
  folder = mkdtempSync(join(tmpdir(), "loci-pull-"));
  written = "";
  clock = new InstantClock();
  names = 0;
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function options(changes: Partial<PullOptions> = {}): PullOptions {
  return {
    modelsFolder: join(folder, "models"),
    hubUrl: hub.url,
    token: "hf_secret",
    offline: false,
    clock,
    seed: 1,
    uniqueName: () => `name-${names++}`,
    retries: retryPolicyDefault,
    signal: new AbortController().signal,
    terminal: { write: (piece) => void (written += piece), columns: 80 },
    freeBytes: async () => 1e12,
    ...changes,
  };
}

function hubReference(reference: string): HubReference {
  const parsed = parseModelReference(reference);
  if (parsed.kind !== "hub") throw new Error("a hub reference");
  return parsed;
}

async function pull(changes: Partial<PullOptions> = {}, reference = text): Promise<string> {
  return (await pullModel(hubReference(reference), options(changes))).path;
}

async function errorOf(promise: Promise<unknown>): Promise<LociError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof LociError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** Files by their extension; ids are hashes. */
function left(): string[] {
  try {
    return readdirSync(join(folder, "models"))
      .map((name) => name.replace(/^[0-9a-f]{32}/, ""))
      .toSorted();
  } catch {
    return [];
  }
}

/** The bar's percentages in the order they were drawn. */
function percentages(): number[] {
  return [...written.matchAll(/ (\d+)%/g)].map((match) => Number(match[1]));
}

const oneTry = { retries: { ...retryPolicyDefault, failuresMax: 1 } };

describe("a pull that goes well", () => {
  test("leaves the model and nothing else", async () => {
    const path = await pull();
    expect(readFileSync(path)).toEqual(Buffer.from(model));
    expect(left()).toEqual([".gguf", ".json"]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "models")).mode & 0o777).toBe(0o700);
    expect(path).not.toMatch(/maker|Tiny|q8/);
  });

  test("shows the token to the hub and to no one else", async () => {
    await pull();
    expect(hub.listLog.every(({ authorization }) => authorization === "Bearer hf_secret")).toBe(
      true,
    );
    expect(hub.contentLog.map(({ authorization }) => authorization)).toEqual([null]);
  });

  test("asks for nothing when the model is here", async () => {
    await pull();
    const requests = hub.listLog.length;
    expect(requests).toBe(3);
    await pull({ offline: true });
    expect(hub.listLog.length).toBe(requests);
  });

  test("takes a file by its path, also a small one kept in git", async () => {
    hub.files.set(repo, [{ path: "a/b/tiny.gguf", content: small, isLarge: false }]);
    const path = await pull({}, `hf:${repo}/a/b/tiny.gguf`);
    expect(readFileSync(path)).toEqual(Buffer.from(small));
  });

  test("takes the usual quantisation when none is named, and remembers that", async () => {
    const path = await pull({}, `hf:${repo}`);
    expect(readFileSync(path)).toEqual(Buffer.from(model));
    expect(await pull({ offline: true }, `hf:${repo}`)).toBe(path);
  });

  test("a trickle arrives whole", async () => {
    hub.faults.push({ pieceBytes: 1000 });
    expect(readFileSync(await pull())).toEqual(Buffer.from(model));
  });

  test("two pulls of one file share one transfer", async () => {
    // Time that runs ahead of the transfer would make its lock look abandoned.
    const still = { clock: new InstantClock(false) };
    const paths = await Promise.all([pull(still), pull(still), pull(still)]);
    expect(new Set(paths).size).toBe(1);
    expect(hub.contentLog.length).toBe(1);
    expect(left()).toEqual([".gguf", ".json"]);
    expect(written).toContain("Waiting for another process");
  });
});

describe("a pull that is interrupted", () => {
  test("goes on at the byte where the connection broke", async () => {
    hub.faults.push({ cutAfter: 100_000 }, { cutAfter: 50_000 });
    expect(readFileSync(await pull())).toEqual(Buffer.from(model));
    const etag = hub.contentLog[1]?.ifRange;
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
    expect(hub.contentLog.map(({ range }) => range)).toEqual([
      null,
      "bytes=100000-",
      "bytes=150000-",
    ]);
    expect(percentages()).toEqual(percentages().toSorted((a, b) => a - b));
    expect(percentages().at(-1)).toBe(100);
  });

  test.each([0, 1, 65_536, model.byteLength - 1])("in a later run, from byte %i", async (byte) => {
    hub.faults.push({ cutAfter: byte });
    expect((await errorOf(pull(oneTry))).code).toBe("download_failed");
    expect(await listModels(options())).toEqual([]);
    expect(left()).toContain(".part");
    expect(readFileSync(await pull())).toEqual(Buffer.from(model));
    expect(hub.contentLog[1]?.range).toBe(byte === 0 ? null : `bytes=${byte}-`);
    expect(left()).toEqual([".gguf", ".json"]);
  });

  test("by the user, and goes on later", async () => {
    const stop = new AbortController();
    hub.faults.push({ cutAfter: 100_000, atCut: () => stop.abort() });
    const error = await errorOf(pull({ signal: stop.signal }));
    expect(error.code).toBe("cancelled");
    expect(readFileSync(await pull())).toEqual(Buffer.from(model));
    expect(left()).toEqual([".gguf", ".json"]);
  });

  test("gives up after a bounded number of failures", async () => {
    hub.faults.push(...Array.from({ length: 20 }, () => ({ cutAfter: 0 })));
    const error = await errorOf(pull());
    expect(error.code).toBe("download_failed");
    expect(hub.contentLog.length).toBe(retryPolicyDefault.failuresMax);
    const growing = clock.pausesMs.slice(0, retryPolicyDefault.failuresMax - 1);
    expect(growing.every((pauseMs, index) => pauseMs <= 500 * 2 ** index)).toBe(true);
    expect(growing.every((pauseMs, index) => pauseMs >= 250 * 2 ** index)).toBe(true);
  });

  test("has more patience while bytes arrive", async () => {
    hub.faults.push(...Array.from({ length: 20 }, () => ({ cutAfter: 1000 })));
    expect(readFileSync(await pull())).toEqual(Buffer.from(model));
    expect(hub.contentLog.length).toBe(21);
  });
});

describe("servers", () => {
  test("without ranges send everything again; the bar does not run backwards", async () => {
    hub.faults.push({ cutAfter: 200_000 }, { ignoreRange: true });
    expect(readFileSync(await pull())).toEqual(Buffer.from(model));
    expect(percentages()).toEqual(percentages().toSorted((a, b) => a - b));
  });

  test("with another etag than before are asked for the whole file", async () => {
    hub.faults.push({ cutAfter: 1000, etag: '"old"' });
    expect(readFileSync(await pull())).toEqual(Buffer.from(model));
    expect(hub.contentLog[1]?.ifRange).toBe('"old"');
    expect(hub.contentLog.length).toBe(2);
  });

  test("that answer a range of another file are not believed", async () => {
    hub.faults.push({ cutAfter: 1000, etag: '"old"' }, { ignoreIfRange: true, etag: '"new"' });
    expect(readFileSync(await pull())).toEqual(Buffer.from(model));
    expect(hub.contentLog.map(({ range }) => range)).toEqual([null, "bytes=1000-", null]);
  });

  test("that know no such range lose what we had", async () => {
    hub.faults.push({ cutAfter: 1000 }, { status: 416 });
    expect(readFileSync(await pull())).toEqual(Buffer.from(model));
    expect(hub.contentLog.map(({ range }) => range)).toEqual([null, "bytes=1000-", null]);
  });

  test("that are busy are given the time they ask for, up to a bound", async () => {
    hub.listFaults.push({ status: 429, retryAfter: "7" });
    hub.faults.push({ status: 503, retryAfter: "9" }, { status: 500, retryAfter: "99999" });
    expect(readFileSync(await pull())).toEqual(Buffer.from(model));
    expect(clock.pausesMs).toEqual([7000, 9000, retryPolicyDefault.retryAfterMsMax]);
  });

  test("that send the wrong bytes leave no model", async () => {
    const wrong = Uint8Array.from(model);
    wrong[1000] = 1 ^ (wrong[1000] ?? 0);
    hub.faults.push({ content: wrong });
    const error = await errorOf(pull());
    expect(error.message).toMatch(/wrong checksum/);
    expect(left()).toEqual([]);
    expect(readFileSync(await pull())).toEqual(Buffer.from(model));
  });

  test("are asked again when what an earlier run left is damaged", async () => {
    hub.faults.push({ cutAfter: 50_000 });
    await errorOf(pull(oneTry));
    const paths = new ModelStore(join(folder, "models")).pathsOf({
      ...hubReference(text),
      file: "tiny-q8_0.gguf",
    });
    writeFileSync(paths.part, Buffer.alloc(50_000));
    expect(readFileSync(await pull())).toEqual(Buffer.from(model));
    expect(hub.contentLog.map(({ range }) => range)).toEqual([null, "bytes=50000-", null]);
  });

  test.each([
    ["more bytes than listed", { content: Buffer.concat([model, model]) }],
    ["fewer bytes than listed", { content: model.subarray(0, 1000) }],
    ["more bytes, unannounced", { content: Buffer.concat([model, model]), isChunked: true }],
  ])("with %s are refused", async (_, fault) => {
    hub.faults.push(fault);
    expect((await errorOf(pull())).code).toBe("download_failed");
    expect(await listModels(options())).toEqual([]);
  });

  test.each([
    [401, "forbidden"],
    [403, "forbidden"],
    [404, "model_not_found"],
    [418, "download_failed"],
  ])("that answer %i end the pull at once", async (status, code) => {
    hub.faults.push({ status });
    expect((await errorOf(pull())).code).toBe(code);
    expect(hub.contentLog.length).toBe(1);
    hub.listFaults.push({ status });
    expect((await errorOf(pull())).code).toBe(code);
    expect(hub.contentLog.length).toBe(1);
  });

  test.each(["file:///etc/passwd", "gopher://127.0.0.1/", "http://user@127.0.0.1/", "https://["])(
    "that redirect to %s are refused",
    async (place) => {
      hub.redirect = place;
      expect((await errorOf(pull())).message).toMatch(/redirects to an address loci refuses/);
    },
  );

  test("that redirect for ever are refused", async () => {
    hub.redirect = `${hub.url}/${repo}/resolve/main/tiny-q8_0.gguf`;
    expect((await errorOf(pull())).message).toMatch(/redirects without end/);
  });

  test("that are not there are tried a few times", async () => {
    const { url } = hub;
    await hub[Symbol.asyncDispose]();
    expect((await errorOf(pull({ hubUrl: url }))).code).toBe("download_failed");
    expect(clock.pausesMs.length).toBe(retryPolicyDefault.failuresMax - 1);
    hub = await StandInHub.start();
  });
});

describe("lists", () => {
  test.each<[string, (origin: string) => { body: string; link?: string }]>([
    ["no JSON", () => ({ body: "<html>" })],
    ["no list", () => ({ body: '{"a":1}' })],
    ["a list of something else", () => ({ body: "[null]" })],
    ["a next page elsewhere", () => ({ body: "[]", link: '<http://127.0.0.2:1/x>; rel="next"' })],
    [
      "pages without end",
      (origin) => ({
        body: JSON.stringify(Array.from({ length: 5000 }, () => ({ type: "file", path: "a" }))),
        link: `<${origin}/api/models/${repo}/tree/main?page=2>; rel="next"`,
      }),
    ],
    ["too long a page", () => ({ body: `["${"x".repeat(9 * 1024 * 1024)}"]` })],
  ])("of %s are refused", async (_, answer) => {
    hub.listAnswer = answer;
    expect((await errorOf(pull())).code).toBe("download_failed");
  });

  test.each([
    "../../../etc/passwd-q8_0.gguf",
    "/etc/passwd-q8_0.gguf",
    "a/../../b-q8_0.gguf",
    "a\\..\\b-q8_0.gguf",
    "a\0-q8_0.gguf",
    "a\r\n-q8_0.gguf",
    "%2e%2e%2fa-q8_0.gguf",
    `${"x".repeat(4096)}-q8_0.gguf`,
  ])("with the name %j offer nothing", async (path) => {
    const lfs = { oid: "0".repeat(64), size: 1, pointerSize: 1 };
    const body = JSON.stringify([{ type: "file", path, size: 1, oid: "", lfs }]);
    hub.listAnswer = () => ({ body });
    expect((await errorOf(pull())).code).toBe("model_not_found");
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("refusals", () => {
  test("offline", async () => {
    const error = await errorOf(pull({ offline: true }));
    expect(error.code).toBe("model_not_found");
    expect(error.remedy).toMatch(/HF_HUB_OFFLINE/);
    expect(hub.listLog).toEqual([]);
  });

  test("a full disk, before the transfer", async () => {
    const error = await errorOf(pull({ freeBytes: async () => 1000 }));
    expect(error.message).toMatch(/only 1000 are free/);
    expect(hub.contentLog).toEqual([]);
  });

  test("a model in several files", async () => {
    const error = await errorOf(pull({}, `hf:${repo}:f16`));
    expect(error.code).toBe("not_supported");
    expect(error.remedy).toMatch(/llama-gguf-split/);
  });

  test("a file that is no GGUF file", async () => {
    hub.files.set(repo, [{ path: "tiny-q8_0.gguf", content: Buffer.from("not a model") }]);
    expect((await errorOf(pull())).code).toBe("model_file_invalid");
    expect(left()).toEqual([]);
  });
});

describe("names", () => {
  test("a pulled model goes by its name and its reference", async () => {
    const path = await pull();
    const references = ["tiny-q8_0", "Tiny-Q8_0.gguf", `${repo}/tiny-q8_0.gguf`, text];
    for (const reference of [...references, "maker/Tiny-GGUF:Q8_0"]) {
      expect(await resolveModel(reference, options({ offline: true }))).toEqual({
        path,
        name: "tiny-q8_0",
      });
    }
  });

  test("serving a reference pulls it", async () => {
    const { path } = await resolveModel(text, options());
    expect(readFileSync(path)).toEqual(Buffer.from(model));
  });

  test("of files win over names", async () => {
    const path = join(folder, "own.gguf");
    writeFileSync(path, small);
    expect(await resolveModel(path, options())).toEqual({ path, name: "own" });
  });

  test.each(["no-such-model", "../../etc/no-such", "a\0.gguf", "CON", ".", "*", "x".repeat(4096)])(
    "like %j find nothing and touch nothing",
    async (name) => {
      await pull();
      const before = left();
      const error = await errorOf(resolveModel(name, options({ offline: true })));
      expect(error.code).toMatch(/not_found|config_invalid|unreadable/);
      expect((await errorOf(removeModel(name, options()))).code).toMatch(
        /not_found|config_invalid/,
      );
      expect(left()).toEqual(before);
    },
  );

  test("two models of one name have to be told apart", async () => {
    hub.files.set("other/Tiny-GGUF", hub.files.get(repo) ?? []);
    await pull();
    await pull({}, "hf:other/Tiny-GGUF:q8_0");
    expect((await errorOf(resolveModel("tiny-q8_0", options()))).message).toMatch(/any of/);
    await removeModel("hf:other/Tiny-GGUF:q8_0", options());
    expect((await resolveModel("tiny-q8_0", options())).name).toBe("tiny-q8_0");
  });

  test("a removed model is gone", async () => {
    await pull();
    await removeModel("tiny-q8_0", options());
    expect(await listModels(options())).toEqual([]);
    expect(left()).toEqual([]);
  });

  test("records that are torn, foreign or without file are no models", async () => {
    const path = await pull();
    const models = join(folder, "models");
    writeFileSync(join(models, `${"0".repeat(32)}.json`), "{");
    writeFileSync(join(models, `${"1".repeat(32)}.json`), "[1]");
    expect((await listModels(options())).length).toBe(1);
    writeFileSync(path, "shorter");
    expect(await listModels(options())).toEqual([]);
    // And it is pulled again.
    expect(readFileSync(await pull())).toEqual(Buffer.from(model));
  });
});
