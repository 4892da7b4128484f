// What a browser test needs: a server with the page, a Chromium, and pages in it whose every error
// and every obstacle for people counts as a failure.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { requireBuiltPage } from "./built-page.ts";
import { launchChromium } from "./chromium.ts";
import { startLociServer, type LociServer, type LociServerOptions } from "./loci-server.ts";

export interface PageOptions {
  /** After the server's address; default: the chat. */
  readonly path?: string;
  readonly width?: number;
  readonly height?: number;
  readonly theme?: "light" | "dark";
  /** Console errors that belong to the test. */
  readonly expected?: RegExp;
}

export interface PageSite extends AsyncDisposable {
  readonly server: LociServer;
  readonly browser: Browser;
  /** In a context of its own: nothing stored, nothing cached. */
  readonly openPage: (options?: PageOptions) => Promise<TestPage>;
}

/** A page under watch. */
export interface TestPage {
  readonly page: Page;
  /** Console errors and failures so far. */
  readonly problems: () => readonly string[];
  /** What axe finds; one line each. */
  readonly violations: () => Promise<readonly string[]>;
  /** Saved as results/web/NAME.png. */
  readonly screenshot: (name: string) => Promise<void>;
}

const screenshotFolder = fileURLToPath(new URL("../../../../results/web/", import.meta.url));
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const waitMs = 30_000;

/** The page built, a server that hands it out, and a browser. */
export async function startPageSite(options: LociServerOptions = {}): Promise<PageSite> {
  await using resources = new AsyncDisposableStack();
  await requireBuiltPage();
  const browser = resources.adopt(await launchChromium(), (one) => one.close());
  const server = resources.use(await startLociServer(options));
  const kept = resources.move();
  return {
    server,
    browser,
    openPage: (pageOptions = {}) => openPage(browser, server.url, pageOptions),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A page of any server at `url`. */
export async function openPage(
  browser: Browser,
  url: string,
  options: PageOptions = {},
): Promise<TestPage> {
  const { path = "/", width = 1280, height = 800, theme = "light", expected } = options;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
  const page = await context.newPage();
  page.setDefaultTimeout(waitMs);
  const problems: string[] = [];
  const note = (text: string): void => {
    if (expected?.test(text) !== true) problems.push(text);
  };
  page.on("pageerror", (error) => note(`uncaught: ${error.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) note(`console: ${message.text()}`);
  });
  await page.goto(url + path);
  return {
    page,
    problems: () => problems,
    violations: () => axeViolations(page),
    screenshot: async (name) => {
      mkdirSync(screenshotFolder, { recursive: true });
      await page.screenshot({ path: join(screenshotFolder, `${name}.png`) });
    },
  };
}

/** Through the debugger, so that the page's content security policy stays as it is. */
async function axeViolations(page: Page): Promise<readonly string[]> {
  const session = await page.context().newCDPSession(page);
  try {
    await session.send("Runtime.evaluate", { expression: `${axeSource};undefined` });
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
      expression: "axe.run(document, {resultTypes: ['violations']}).then(JSON.stringify)",
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(`axe failed: ${exceptionDetails.text}`);
    const { violations }: AxeResults = JSON.parse(String(result.value));
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, failureSummary }) => {
        const why = failureSummary?.replaceAll(/\s+/g, " ") ?? "";
        return `${id}: ${help} at ${target.join(" ")} (${why})`;
      }),
    );
  } finally {
    await session.detach();
  }
}
