// Takes the pictures of the page that the documentation shows: a real server with the bundled model,
// some conversations, and the system's Chromium.
//
//   node scripts/take-screenshots.ts

import { mkdirSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startPageSite, type PageSite } from "../packages/web/src/testing/page-site.ts";

const imageFolder = fileURLToPath(new URL("../docs/images/", import.meta.url));
const imageBytesMax = 150_000;
/** What every conversation begins with, so that something is shared. */
const instructions =
  "You are a storyteller. Answer in a few sentences, friendly and clear. ".repeat(8);
const model = "loci-demo";
/** Oldest first. */
const conversations: string[] = [];

await using site = await startSite();
await fillMemory(site);
await photograph("chat", "/#/chat", async (page) => {
  await page
    .getByRole("textbox", { name: "Message" })
    .fill("Tell me a story about a small dragon.");
  await page.keyboard.press("Enter");
  await page.locator(".turn-assistant:not([aria-busy])").first().waitFor();
  await page.getByRole("button", { name: "Send" }).waitFor();
});
for (const theme of ["light", "dark"] as const) {
  const name = theme === "light" ? "memory" : "memory-dark";
  await photograph(name, "/#/memory", showMemory, theme);
}
const work = keepBusy(site);
await photograph("scheduling", "/#/scheduling", async (page) => {
  const speed = page.locator(".live-tile").filter({ hasText: "generated per second" });
  await speed.locator(".live-tile-value").filter({ hasNotText: /^0$/ }).waitFor();
  await page.locator(".answer-band").nth(9).waitFor({ state: "attached" });
});
await photograph("cluster", "/#/cluster", async (page) => {
  await page.locator(".placement-entry summary").first().click();
  await page.locator(".candidates").first().waitFor();
});
work.abort();
await photograph("explain", `/#/explain/${await continuedAnswer(site)}`, async (page) => {
  await page.getByText("Why it went there").waitFor();
});

type Page = Awaited<ReturnType<PageSite["openPage"]>>["page"];

async function startSite(): Promise<PageSite> {
  const folder = await mkdtemp(join(tmpdir(), "loci-screenshots-"));
  const memory = ["--kv-memory", "6MiB", "--kv-host-memory", "8MiB", "--kv-disk-path", folder];
  const started = await startPageSite({ words: ["--workers", "2", "--threads", "1", ...memory] });
  return {
    ...started,
    [Symbol.asyncDispose]: async () => {
      await started[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function photograph(
  name: string,
  path: string,
  prepare: (page: Page) => Promise<void>,
  theme: "light" | "dark" = "light",
): Promise<void> {
  mkdirSync(imageFolder, { recursive: true });
  const { page } = await site.openPage({ path, theme });
  await prepare(page);
  const file = join(imageFolder, `${name}.png`);
  await page.screenshot({ path: file, animations: "disabled" });
  await page.context().close();
  const { size } = statSync(file);
  process.stdout.write(`${name}.png  ${Math.round(size / 1000)} kB\n`);
  if (size > imageBytesMax) throw new Error(`${name}.png is too large for the docs.`);
}

/** While some conversations go on, whose blocks come back. */
async function showMemory(page: Page): Promise<void> {
  await page.locator(".sequence").first().waitFor();
  for (const conversation of conversations.slice(2, 6)) {
    const body = { model, conversation, instructions, input: "And then?", max_output_tokens: 24 };
    await post(site, "/v1/responses", body);
  }
  await page.getByText("↑ restored").first().waitFor();
  await page.locator("#main").evaluate((main) => main.scrollBy(0, 110));
}

/** Resolves to the id of what was made. */
async function post({ server }: PageSite, path: string, body: object): Promise<string> {
  const response = await fetch(server.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
  const answer: unknown = await response.json();
  const id: unknown = Reflect.get(Object(answer), "id");
  if (typeof id !== "string") throw new Error("The server's answer has no id.");
  return id;
}

/** More conversations than the device holds. */
async function fillMemory(on: PageSite): Promise<void> {
  for (let index = 0; index < 24; index++) {
    const id = await post(on, "/v1/conversations", {});
    conversations.push(id);
    const input = `Number ${index} is a wholly different tale. `.repeat(10 + ((index * 7) % 25));
    const body = { model, conversation: id, instructions, input, max_output_tokens: 24 };
    await post(on, "/v1/responses", body);
  }
}

/** Long answers, a new one whenever one ends, until it is aborted. */
function keepBusy({ server }: PageSite): AbortController {
  const stop = new AbortController();
  const { signal } = stop;
  const ask = async (index: number): Promise<void> => {
    for (let turn = 0; !signal.aborted; turn++) {
      const content = `Tell me story ${turn} about ${index} small dragons.`;
      const body = { model, messages: [{ role: "user", content }], max_tokens: 600 };
      const response = await fetch(`${server.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal,
      });
      await response.text();
    }
  };
  for (let index = 0; index < 14; index++) {
    // Ends by being aborted.
    ask(index).catch(() => undefined);
  }
  return stop;
}

/** The id of an answer in a conversation whose blocks had to leave. */
async function continuedAnswer(on: PageSite): Promise<string> {
  const input = "And what happened then? Tell me all of it.";
  const conversation = conversations[4];
  const body = { model, conversation, instructions, input, max_output_tokens: 120 };
  return post(on, "/v1/responses", body);
}
