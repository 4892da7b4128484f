// Pulls from a stand-in hub that fails in every way a network and its servers do.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ModelStore } from "./model-store.ts";
import { listModels } from "./resolve-model.ts";
import { retryPolicyDefault } from "./retry.ts";
import { errorOf, hubReference, model, oneTry, repo, text, usePulls } from "./testing/use-pulls.ts";

const world = usePulls();

describe("servers", () => {
  test("without ranges send everything again; the bar does not run backwards", async () => {
    world.hub.faults.push({ cutAfter: 200_000 }, { ignoreRange: true });
    expect(readFileSync(await world.pull())).toEqual(Buffer.from(model));
    expect(world.percentages()).toEqual(world.percentages().toSorted((a, b) => a - b));
  });

  test("with another etag than before are asked for the whole file", async () => {
    world.hub.faults.push({ cutAfter: 1000, etag: '"old"' });
    expect(readFileSync(await world.pull())).toEqual(Buffer.from(model));
    expect(world.hub.contentLog[1]?.ifRange).toBe('"old"');
    expect(world.hub.contentLog.length).toBe(2);
  });

  test("that answer a range of another file are not believed", async () => {
    world.hub.faults.push(
      { cutAfter: 1000, etag: '"old"' },
      { ignoreIfRange: true, etag: '"new"' },
    );
    expect(readFileSync(await world.pull())).toEqual(Buffer.from(model));
    expect(world.hub.contentLog.map(({ range }) => range)).toEqual([null, "bytes=1000-", null]);
  });

  test("that know no such range lose what we had", async () => {
    world.hub.faults.push({ cutAfter: 1000 }, { status: 416 });
    expect(readFileSync(await world.pull())).toEqual(Buffer.from(model));
    expect(world.hub.contentLog.map(({ range }) => range)).toEqual([null, "bytes=1000-", null]);
  });

  test("that are busy are given the time they ask for, up to a bound", async () => {
    world.hub.listFaults.push({ status: 429, retryAfter: "7" });
    world.hub.faults.push({ status: 503, retryAfter: "9" }, { status: 500, retryAfter: "99999" });
    expect(readFileSync(await world.pull())).toEqual(Buffer.from(model));
    expect(world.clock.pausesMs).toEqual([7000, 9000, retryPolicyDefault.retryAfterMsMax]);
  });

  test("that send the wrong bytes leave no model", async () => {
    const wrong = Uint8Array.from(model);
    wrong[1000] = 1 ^ (wrong[1000] ?? 0);
    world.hub.faults.push({ content: wrong });
    const error = await errorOf(world.pull());
    expect(error.message).toMatch(/wrong checksum/);
    expect(world.left()).toEqual([]);
    expect(readFileSync(await world.pull())).toEqual(Buffer.from(model));
  });

  test("are asked again when what an earlier run left is damaged", async () => {
    world.hub.faults.push({ cutAfter: 50_000 });
    await errorOf(world.pull(oneTry));
    const paths = new ModelStore(join(world.folder, "models")).pathsOf({
      ...hubReference(text),
      file: "tiny-q8_0.gguf",
    });
    writeFileSync(paths.part, Buffer.alloc(50_000));
    expect(readFileSync(await world.pull())).toEqual(Buffer.from(model));
    expect(world.hub.contentLog.map(({ range }) => range)).toEqual([null, "bytes=50000-", null]);
  });

  test.each([
    ["more bytes than listed", { content: Buffer.concat([model, model]) }],
    ["fewer bytes than listed", { content: model.subarray(0, 1000) }],
    ["more bytes, unannounced", { content: Buffer.concat([model, model]), isChunked: true }],
  ])("with %s are refused", async (_, fault) => {
    world.hub.faults.push(fault);
    expect((await errorOf(world.pull())).code).toBe("download_failed");
    expect(await listModels(world.options())).toEqual([]);
  });

  test.each([
    [401, "forbidden"],
    [403, "forbidden"],
    [404, "model_not_found"],
    [418, "download_failed"],
  ])("that answer %i end the pull at once", async (status, code) => {
    world.hub.faults.push({ status });
    expect((await errorOf(world.pull())).code).toBe(code);
    expect(world.hub.contentLog.length).toBe(1);
    world.hub.listFaults.push({ status });
    expect((await errorOf(world.pull())).code).toBe(code);
    expect(world.hub.contentLog.length).toBe(1);
  });

  test.each(["file:///etc/passwd", "gopher://127.0.0.1/", "http://user@127.0.0.1/", "https://["])(
    "that redirect to %s are refused",
    async (place) => {
      world.hub.redirect = place;
      expect((await errorOf(world.pull())).message).toMatch(/redirects to an address loci refuses/);
    },
  );

  test("that redirect for ever are refused", async () => {
    world.hub.redirect = `${world.hub.url}/${repo}/resolve/main/tiny-q8_0.gguf`;
    expect((await errorOf(world.pull())).message).toMatch(/redirects without end/);
  });

  test("that are not there are tried a few times", async () => {
    const { url } = world.hub;
    await world.stopHub();
    expect((await errorOf(world.pull({ hubUrl: url }))).code).toBe("download_failed");
    expect(world.clock.pausesMs.length).toBe(retryPolicyDefault.failuresMax - 1);
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
    world.hub.listAnswer = answer;
    expect((await errorOf(world.pull())).code).toBe("download_failed");
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
    world.hub.listAnswer = () => ({ body });
    expect((await errorOf(world.pull())).code).toBe("model_not_found");
    expect(readdirSync(world.folder)).toEqual([]);
  });
});
