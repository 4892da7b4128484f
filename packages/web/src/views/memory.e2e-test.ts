// A conversation's blocks are seen moving: out of the device when others need the room, back when the
// conversation goes on.

import { expect, test } from "vitest";
import { usePageSite } from "../testing/use-page-site.ts";

const site = usePageSite({
  words: ["--workers", "0", "--kv-memory", "6MiB", "--kv-host-memory", "48MiB"],
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
  const { id } = await post<{ id: string }>("/v1/conversations", {});
  const view = await site().openPage({ path: "/#/memory" });
  const { page } = view;
  await page.getByText("Live", { exact: true }).waitFor();
  await ask(id, "The dragon flew over the hills. ".repeat(30));
  const link = page.getByRole("link", { name: `conversation …${id.slice(-6)}` });
  const row = page.locator(".sequence").filter({ has: link });
  await row.locator('[data-fill="device"]').first().waitFor();
  // What moved is marked for a second only: all marks are noted as they appear.
  await page.evaluate(() => {
    const seen = new Set<string>();
    new MutationObserver(() => {
      for (const span of document.querySelectorAll("[data-move]")) {
        seen.add(span.getAttribute("data-move") ?? "");
      }
      document.documentElement.dataset["moves"] = [...seen].join(" ");
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });

  for (let other = 0; other < 12; other++) {
    const conversation = await post<{ id: string }>("/v1/conversations", {});
    await ask(conversation.id, `Number ${other} is a wholly different tale. `.repeat(40));
  }
  await row.locator('[data-fill="host"]').first().waitFor();
  await page
    .getByText(/^Copied \d+ blocks? to host memory$/)
    .first()
    .waitFor();
  await page
    .getByText(/^Dropped \d+ blocks?/)
    .first()
    .waitFor();

  await ask(id, "And then?");
  await page
    .getByText(/^Restored \d+ blocks? from host memory$/)
    .first()
    .waitFor();
  await row.locator('[data-fill="device"]').first().waitFor();
  await page.locator('html[data-moves*="rose"]').waitFor();
  expect(await page.locator("html").getAttribute("data-moves")).toContain("sank");

  expect(await view.violations()).toEqual([]);
  expect(view.problems()).toEqual([]);
  await link.click();
  await page.getByText("And then?").waitFor();
}, 120_000);

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
  await page.getByText("by the 90 % length").waitFor();
  const id = await row.first().getByRole("link").getAttribute("title");
  await page.goto(`${site().server.url}/#/explain/${id ?? ""}`);
  await page.getByRole("heading", { name: "Where the time went" }).waitFor();
  stop.abort();
  await Promise.allSettled(answers);
  await page.getByText("ended: cancelled").or(page.getByText("ended: length")).first().waitFor();
  expect(await view.violations()).toEqual([]);
  expect(view.problems()).toEqual([]);
}, 120_000);
