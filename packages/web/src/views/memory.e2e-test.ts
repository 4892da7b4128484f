// A conversation's blocks are seen moving: out of the device when others need the room, back when the
// conversation goes on.

import { expect, test } from "vitest";
import type { Page } from "playwright-core";
import { usePageSite } from "../testing/use-page-site.ts";

const site = usePageSite({
  words: ["--workers", "0", "--kv-memory", "3MiB", "--kv-host-memory", "48MiB"],
});

async function post<T>(path: string, body: object): Promise<T> {
  const response = await fetch(site().server.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer: T = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

const ask = (conversation: string, input: string): Promise<unknown> =>
  post("/v1/responses", {
    model: "loci-demo",
    conversation,
    input,
    max_output_tokens: 16,
  });

test("blocks of a conversation leave the device and come back", async () => {
  const view = await site().openPage({ path: "/#/memory" });
  const { page } = view;
  await page.getByText("Live", { exact: true }).waitFor();
  await noteMoves(page);
  // More than the device holds; which of them have to leave is the server's choice.
  const ids = new Map<string, string>();
  for (let index = 0; index < 12; index++) {
    const { id } = await post<{ id: string }>("/v1/conversations", {});
    ids.set(`conversation …${id.slice(-6)}`, id);
    await ask(id, `Number ${index} is a wholly different tale. `.repeat(15));
  }
  await showOnly(page, "moves");
  await page
    .getByText(/^Copied \d+ blocks? to host memory$/)
    .first()
    .waitFor();
  await showOnly(page, "given up and computed again");
  await page
    .getByText(/^Dropped \d+ blocks? from device memory$/)
    .first()
    .waitFor();
  await showOnly(page, "moves");

  const away = page.locator(".sequence").filter({ has: page.locator('[data-fill="host"]') });
  const name = (await away.first().getByRole("link").textContent()) ?? "";
  await ask(ids.get(name) ?? "", "And then?");
  await page
    .getByText(/^Restored \d+ blocks? from host memory$/)
    .first()
    .waitFor();
  const link = page.getByRole("link", { name });
  // Most recently used first; what it began with before may still be known, too.
  const row = page.locator(".sequence").filter({ has: link }).first();
  await row.locator('[data-fill="device"]').first().waitFor();
  // Which marks depends on how the moves fall between two looks.
  await page.locator('html[data-moves*="rose"], html[data-moves*="sank"]').waitFor();

  expect(await view.violations()).toEqual([]);
  expect(view.problems()).toEqual([]);
  await link.first().click();
  await page.getByText("And then?").first().waitFor();
});

/** Of what happened, one group: in a list of all it may be out of sight. */
async function showOnly(page: Page, group: string): Promise<void> {
  const choice = page.getByRole("group", { name: "Kinds that are shown" });
  for (const box of await choice.getByRole("checkbox").all()) await box.setChecked(false);
  await choice.getByRole("checkbox", { name: group }).setChecked(true);
}

/** What moved is marked for a second only: the page's root keeps all marks that it has seen. */
async function noteMoves(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen = new Set<string>();
    new MutationObserver(() => {
      for (const span of document.querySelectorAll("[data-move]")) {
        seen.add(span.getAttribute("data-move") ?? "");
      }
      const moves = [...seen].join(" ");
      const { dataset } = document.documentElement;
      if (dataset["moves"] !== moves) dataset["moves"] = moves;
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
}

test("a running answer is seen with its band, and explained", async () => {
  const view = await site().openPage({ path: "/#/scheduling" });
  const { page } = view;
  await page.getByText("Live", { exact: true }).waitFor();
  const stop = new AbortController();
  const answers = Array.from({ length: 6 }, async (_, index) => {
    const response = await fetch(`${site().server.url}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model: "loci-demo",
        prompt: `Once ${index}`,
        max_tokens: 1500,
        ignore_eos: true,
      }),
      signal: stop.signal,
    });
    await response.text();
  });
  const list = page.getByRole("region", { name: "List of requests" });
  const row = list.getByRole("listitem").filter({ hasText: /tokens? generated of at most 1500/ });
  await row.first().waitFor();
  expect(await row.first().textContent()).toMatch(/predicted [\d.k]+ to [\d.k]+, median/);
  await page.getByText("by the 90 % length").first().waitFor();
  const id = await row.first().getByRole("link").getAttribute("title");
  await page.goto(`${site().server.url}/#/explain/${id ?? ""}`);
  await page.getByRole("heading", { name: "Where the time went" }).waitFor();
  stop.abort();
  await Promise.allSettled(answers);
  await page.getByText("ended: cancelled").or(page.getByText("ended: length")).first().waitFor();
  expect(await view.violations()).toEqual([]);
  expect(view.problems()).toEqual([]);
});
