// The list of conversations and what goes in and out of it: names, searches, deletions, files.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Locator, Page } from "playwright-core";
import { usePageSite } from "../testing/use-page-site.ts";

const site = usePageSite();

const rows = (page: Page): Locator =>
  page.getByRole("list", { name: "Conversations" }).getByRole("link");

async function createConversation(title: string, words: string): Promise<string> {
  const response = await fetch(`${site().server.url}/v1/conversations`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      metadata: { title },
      items: [
        { type: "message", role: "user", content: words },
        { type: "message", role: "assistant", content: "Yes." },
      ],
    }),
  });
  const { id }: { readonly id: string } = await response.json();
  return id;
}

test("a conversation is found, renamed, and deleted after a question", async () => {
  const id = await createConversation("About rivers", "Is the Danube long?");
  await createConversation("About hills", "Are hills steep?");
  const view = await site().openPage({ path: `/#/chat/${id}` });
  const { page } = view;
  await page.getByRole("heading", { name: "About rivers" }).waitFor();
  expect(await rows(page).count()).toBe(2);

  await page.getByRole("searchbox").fill("danube");
  await expect.poll(() => rows(page).allTextContents()).toHaveLength(1);
  await page.getByRole("searchbox").fill("");
  await expect.poll(() => rows(page).count()).toBe(2);

  await page.getByRole("button", { name: "Rename" }).click();
  const dialog = page.getByRole("dialog", { name: "Rename conversation" });
  expect(await view.violations()).toEqual([]);
  await dialog.getByRole("textbox", { name: "Name" }).fill("Rivers of Europe");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Rivers of Europe" }).waitFor();
  await rows(page).filter({ hasText: "Rivers of Europe" }).waitFor();

  await page.getByRole("button", { name: "Delete" }).click();
  expect(await view.violations()).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { name: "Rivers of Europe" }).waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("heading", { name: "New chat" }).waitFor();
  await expect.poll(() => rows(page).count()).toBe(1);
  expect((await fetch(`${site().server.url}/v1/conversations/${id}`)).status).toBe(404);
  expect(view.problems()).toEqual([]);
});

test("what is exported can be imported, and other files are refused in words", async () => {
  const id = await createConversation("To be saved", "A question with **marks**");
  const view = await site().openPage({ path: `/#/chat/${id}` });
  const { page } = view;
  await page.getByRole("heading", { name: "To be saved" }).waitFor();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  const path = await (await download).path();
  const file = await readFile(path, "utf8");
  expect(JSON.parse(file)).toMatchObject({
    format: "loci-conversation",
    title: "To be saved",
    messages: [{ role: "user" }, { role: "assistant", texts: ["Yes."] }],
  });

  const input = page.getByLabel("Import a conversation").and(page.locator("input"));
  await input.setInputFiles({
    name: "saved.json",
    mimeType: "application/json",
    buffer: Buffer.from(file),
  });
  await page.waitForURL((url) => !url.href.endsWith(id));
  await page.getByText("A question with **marks**").waitFor();
  await page.getByRole("article", { name: "Model" }).getByText("Yes.").waitFor();

  const other = join(site().server.folder, "other.json");
  await writeFile(other, "[1, 2]");
  await input.setInputFiles(other);
  await page.getByRole("alert").getByText("It holds no conversation.").waitFor();
  expect(await view.violations()).toEqual([]);
  expect(view.problems()).toEqual([]);
});

test("hundreds of conversations are all there, a screenful of them at a time", async () => {
  for (let from = 0; from < 240; from += 40) {
    const titles = Array.from({ length: 40 }, (_, index) => `Number ${from + index}`);
    await Promise.all(titles.map((title) => createConversation(title, "Hello")));
  }
  const view = await site().openPage();
  const { page } = view;
  await rows(page).first().waitFor();
  expect(await rows(page).count()).toBeLessThan(60);
  const box = page.locator(".windowed");
  const seen = new Set<string>();
  await expect
    .poll(
      async () => {
        for (const title of await page.locator(".side-title").allTextContents()) seen.add(title);
        await box.evaluate((element) => element.scrollBy(0, 400));
        return [...seen].filter((title) => title.startsWith("Number")).length;
      },
      { timeout: 60_000, interval: 50 },
    )
    .toBe(240);
  expect(await rows(page).count()).toBeLessThan(60);
  expect(view.problems()).toEqual([]);
});
