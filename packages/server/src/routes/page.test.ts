import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { loadStaticPage } from "../page/static-page.ts";
import { testServer, type TestServer } from "../testing/test-server.ts";

const folders: string[] = [];
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

async function folderOf(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "page-"));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

type PageReply = Awaited<ReturnType<TestServer["app"]["inject"]>>;

const script = "console.log('hello');".repeat(40);
const built = {
  "index.html": "<!doctype html><title>loci</title>",
  "assets/index-3f2a.js": script,
  "assets/index-3f2a.js.br": brotliCompressSync(script),
  "assets/index-3f2a.js.gz": gzipSync(script),
};

function ending(encoding: "br" | "gzip"): "br" | "gz" {
  return encoding === "br" ? "br" : "gz";
}

async function pageServer(files: Readonly<Record<string, string | Buffer>>): Promise<TestServer> {
  return testServer("Hi", { page: await loadStaticPage(await folderOf(files)), apiKeys: ["k"] });
}

function get(
  server: TestServer,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<PageReply> {
  return Promise.resolve(server.app.inject({ method: "GET", url, headers }));
}

describe("the page", () => {
  it("is open to everybody and lets nothing else run", async () => {
    await using server = await pageServer(built);
    const reply = await get(server, "/");
    expect(reply.statusCode).toBe(200);
    expect(reply.body).toContain("<title>loci");
    expect(reply.headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    });
    const policy = String(reply.headers["content-security-policy"]);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
  });

  it("gives hashed files for ever, compressed as the client takes them", async () => {
    await using server = await pageServer(built);
    const path = "/assets/index-3f2a.js";
    const cases = [
      ["gzip, deflate, br", "br"],
      ["gzip;q=1.0, br;q=0", "gzip"],
      ["GZIP", "gzip"],
      ["identity", undefined],
      ["", undefined],
    ] as const;
    for (const [accepted, encoding] of cases) {
      const reply = await get(server, path, { "accept-encoding": accepted });
      expect(reply.headers["content-encoding"]).toBe(encoding);
      expect(reply.headers["cache-control"]).toContain("immutable");
      expect(reply.headers.vary).toBe("accept-encoding");
      const sent =
        encoding === undefined ? script : built[`assets/index-3f2a.js.${ending(encoding)}`];
      expect(reply.rawPayload).toEqual(Buffer.from(sent));
    }
  });

  it("is not sent again to who has it", async () => {
    await using server = await pageServer(built);
    const { headers } = await get(server, "/");
    const etag = String(headers.etag);
    for (const tag of [etag, etag.slice(2), `"else", ${etag}`, "*"]) {
      const reply = await get(server, "/", { "if-none-match": tag });
      expect([reply.statusCode, reply.body]).toEqual([304, ""]);
    }
    expect((await get(server, "/", { "if-none-match": '"else"' })).statusCode).toBe(200);
  });

  it("has nothing at other addresses", async () => {
    await using server = await pageServer(built);
    for (const path of [
      "/index.html",
      "/assets/",
      "/assets/index-3f2a.js.br",
      "/assets/..%2f..%2fetc%2fpasswd",
      "/../package.json",
      "/favicon.ico",
    ]) {
      const reply = await get(server, path, { authorization: "Bearer k" });
      expect(reply.statusCode).toBe(404);
      expect(reply.headers["content-type"]).toContain("json");
    }
    const post = await server.app.inject({
      method: "POST",
      url: "/",
      headers: { "x-api-key": "k" },
    });
    expect(post.statusCode).toBe(405);
  });

  it("says how to build it when it is not, and is not there when it is switched off", async () => {
    expect(await loadStaticPage(join(tmpdir(), "nothing-is-here"))).toBeNull();
    expect(await loadStaticPage(await folderOf({ "a.js": "1" }))).toBeNull();
    await using server = testServer("Hi", { page: null });
    const reply = await get(server, "/");
    expect(reply.headers["content-type"]).toContain("text/plain");
    expect(reply.body).toContain("npm run page");
    await using off = testServer("Hi");
    expect((await get(off, "/")).statusCode).toBe(404);
  });

  it("is refused when it is too large or has what nobody expects", async () => {
    const index = { "index.html": "" };
    const many = Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`${at}.js`, ""]));
    const cases = [
      { ...index, ...many },
      { ...index, "assets/big.js": Buffer.alloc(4 * 2 ** 20 + 1) },
      { ...index, "run.exe": "" },
      { ...index, "lonely.br": "" },
    ];
    for (const files of cases) {
      const folder = await folderOf(files);
      await expect(loadStaticPage(folder)).rejects.toMatchObject({ code: "file_unreadable" });
    }
  });
});
