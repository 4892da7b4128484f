// The built page in front of a server that only tells what a test makes up: views as large as they
// get, one at a time, when the test says so.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import type { LiveView } from "@loci/core";
import type { Browser } from "playwright-core";
import { requireBuiltPage } from "./built-page.ts";
import { launchChromium } from "./chromium.ts";
import { openPage, type PageOptions, type TestPage } from "./page-site.ts";

export interface ScriptedSite extends AsyncDisposable {
  readonly url: string;
  readonly browser: Browser;
  /** Sends a view to all that watch, and to those who come later. */
  show(view: LiveView): void;
  /** Ends the streams of all that watch. */
  interrupt(): void;
  openPage(options?: PageOptions): Promise<TestPage>;
}

const distFolder = fileURLToPath(new URL("../../dist/", import.meta.url));
const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

/** `answers`: JSON by path, without the query. */
export async function startScriptedSite(
  answers: Readonly<Record<string, unknown>>,
): Promise<ScriptedSite> {
  await using resources = new AsyncDisposableStack();
  await requireBuiltPage();
  const browser = resources.adopt(await launchChromium(), (one) => one.close());
  const watchers = new Set<ServerResponse>();
  let frame: string | null = null;
  const watch = (response: ServerResponse): void => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    watchers.add(response);
    response.once("close", () => watchers.delete(response));
    response.write(frame ?? ": nothing yet\n\n");
  };
  const server = createServer((request, response) => {
    const path = pathOf(request);
    if (path === "/loci/live") watch(response);
    else if (Object.hasOwn(answers, path)) sendJson(response, 200, answers[path]);
    else void sendFile(response, path);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  resources.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("It has no port.");
  const url = `http://127.0.0.1:${address.port}`;
  const kept = resources.move();
  return {
    url,
    browser,
    show: (view) => {
      frame = `event: view\ndata: ${JSON.stringify(view)}\n\n`;
      for (const watcher of watchers) watcher.write(frame);
    },
    interrupt: () => {
      for (const watcher of watchers) watcher.end();
    },
    openPage: (options = {}) => openPage(browser, url, options),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function pathOf(request: IncomingMessage): string {
  return new URL(request.url ?? "/", "http://localhost").pathname;
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

async function sendFile(response: ServerResponse, path: string): Promise<void> {
  const name = path === "/" ? "index.html" : normalize(path).replace(/^[/.]+/, "");
  try {
    const content = await readFile(join(distFolder, name));
    response.writeHead(200, {
      "content-type": types[extname(name)] ?? "application/octet-stream",
      "content-security-policy": "default-src 'self'",
    });
    response.end(content);
  } catch {
    sendJson(response, 404, { error: { message: "There is no such file.", code: "not_found" } });
  }
}
