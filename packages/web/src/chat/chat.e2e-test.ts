// What people do in the chat, in a real browser against a real server. The bundled model's words are
// its own: nothing here depends on them.

import { expect, test } from "vitest";
import type { Locator, Page } from "playwright-core";
import { startCuttingProxy } from "../testing/cutting-proxy.ts";
import { openPage, startPageSite, type TestPage } from "../testing/page-site.ts";
import { usePageSite } from "../testing/use-page-site.ts";

const site = usePageSite();

const messageField = (page: Page): Locator => page.getByRole("textbox", { name: "Message" });
const answers = (page: Page): Locator => page.getByRole("article", { name: "Model" });
const questions = (page: Page): Locator => page.getByRole("article", { name: "You" });
const figures = (page: Page): Locator => page.locator(".figures");

async function limitAnswers(page: Page, tokens: number): Promise<void> {
  await page.getByRole("button", { name: "Chat settings" }).click();
  await page.getByRole("textbox", { name: "Tokens at most" }).fill(String(tokens));
  await page.getByRole("button", { name: "Done" }).click();
}

/** Answers that take long enough to be met on their way, whatever the model would say. */
async function demandLongAnswers(page: Page): Promise<void> {
  const numbers = { type: "array", minItems: 100, maxItems: 100, items: { enum: [1, 2] } };
  const schema = { type: "object", properties: { numbers }, required: ["numbers"] };
  await page.getByRole("button", { name: "Chat settings" }).click();
  await page.getByRole("combobox", { name: "JSON mode" }).selectOption("schema");
  const field = page.getByRole("textbox", { name: "JSON schema of the answer" });
  await field.fill(JSON.stringify({ ...schema, additionalProperties: false }));
  await page.getByRole("button", { name: "Done" }).click();
}

async function ask(page: Page, text: string): Promise<void> {
  await messageField(page).fill(text);
  await messageField(page).press("Enter");
}

/** Resolves when the last answer is complete and kept. */
async function answered(page: Page, count: number): Promise<void> {
  await page.locator(`.turn-assistant:not([aria-busy]) >> nth=${count - 1}`).waitFor();
  await page.getByRole("button", { name: "Send" }).waitFor();
}

async function expectClean(view: TestPage): Promise<void> {
  expect(await view.violations()).toEqual([]);
  expect(view.problems()).toEqual([]);
}

test("a conversation is answered, goes on from what is cached, and is there after a reload", async () => {
  const view = await site().openPage();
  const { page } = view;
  await expectClean(view);
  await limitAnswers(page, 24);
  await ask(page, "Tell me a story about a small dragon.");
  await answered(page, 1);
  await ask(page, "And what happened then?");
  await answered(page, 2);
  expect(await figures(page).nth(1).textContent()).toMatch(/\d+ → \d+ tokens[1-9]\d* % cached/);
  const texts = await answers(page).locator(".markdown").allTextContents();
  expect(texts).toHaveLength(2);
  await expectClean(view);
  await view.screenshot("chat-light");

  await page.reload();
  await answered(page, 2);
  expect(await answers(page).locator(".markdown").allTextContents()).toEqual(texts);
  expect(await questions(page).count()).toBe(2);
  expect(await figures(page).count()).toBe(2);
  const row = page.getByRole("list", { name: "Conversations" }).getByRole("link").first();
  expect(await row.textContent()).toContain("Tell me a story about a small dragon.");
  expect(await row.getAttribute("aria-current")).toBe("page");
  await expectClean(view);
});

test("a conversation that is reloaded in the middle of an answer takes the answer up again", async () => {
  const view = await site().openPage();
  const { page } = view;
  await demandLongAnswers(page);
  await ask(page, "Count the stars for me, slowly.");
  await page.locator('[data-status="writing"]').waitFor();
  await page.reload();
  await page.getByText("Count the stars for me, slowly.").first().waitFor();
  await answered(page, 1);
  expect(await questions(page).count()).toBe(1);
  expect((await answers(page).textContent())?.length).toBeGreaterThan(20);
  await expectClean(view);
});

test("a conversation stops, keeps what was written, goes on from there, and is given anew", async () => {
  const view = await site().openPage();
  const { page } = view;
  await demandLongAnswers(page);
  await ask(page, "Write a very long story.");
  await page.locator('[data-status="writing"]').waitFor();
  await page.keyboard.press("Escape");
  await answered(page, 1);
  await page.getByText("Stopped before its end.").waitFor();
  const stopped = (await answers(page).locator(".markdown").textContent()) ?? "";
  expect(stopped.length).toBeGreaterThan(0);
  await expectClean(view);

  await page.getByRole("button", { name: "Continue" }).click();
  await page.locator(".turn-assistant[aria-busy]").waitFor();
  await answered(page, 1);
  const whole = (await answers(page).locator(".markdown").textContent()) ?? "";
  expect(plain(whole).startsWith(plain(stopped))).toBe(true);
  expect(whole.length).toBeGreaterThan(stopped.length);

  await page.getByRole("button", { name: "Regenerate" }).click();
  await page.locator(".turn-assistant[aria-busy]").waitFor();
  await answered(page, 1);
  expect(await questions(page).count()).toBe(1);
  expect(await answers(page).count()).toBe(1);
  await page.reload();
  await answered(page, 1);
  expect(await answers(page).count()).toBe(1);
  await expectClean(view);
});

test("a conversation branches: the new one has the turns up to there, the old one stays", async () => {
  const view = await site().openPage();
  const { page } = view;
  await limitAnswers(page, 12);
  await ask(page, "First question of the trunk");
  await answered(page, 1);
  await ask(page, "Second question of the trunk");
  await answered(page, 2);
  const trunk = page.url();
  await answers(page).first().getByRole("button", { name: "Branch" }).click();
  await page.waitForURL((url) => url.href !== trunk);
  await answered(page, 1);
  expect(await questions(page).allTextContents()).toHaveLength(1);
  await ask(page, "Another way to go on");
  await answered(page, 2);
  expect(await figures(page).last().textContent()).toMatch(/[1-9]\d* % cached/);
  await page.goto(trunk);
  await answered(page, 2);
  expect(await questions(page).last().textContent()).toContain("Second question");
  await expectClean(view);
});

test("an answer goes on after the connection was lost", async () => {
  await using proxy = await startCuttingProxy(site().server.url);
  const view = await openPage(site().browser, proxy.url, { expected: /net::ERR_/ });
  const { page } = view;
  await demandLongAnswers(page);
  await ask(page, "Tell me everything about the sea, at length.");
  await page.locator('[data-status="writing"]').waitFor();
  const before = (await page.locator('[data-status="writing"] .markdown').textContent()) ?? "";
  proxy.cut();
  await page.locator('[data-status="reconnecting"]').waitFor();
  await answered(page, 1);
  const shown = (await answers(page).locator(".markdown").textContent()) ?? "";
  expect(plain(shown).startsWith(plain(before))).toBe(true);
  await page.reload();
  await answered(page, 1);
  expect(await answers(page).locator(".markdown").textContent()).toBe(shown);
  expect(await questions(page).count()).toBe(1);
  expect(view.problems()).toEqual([]);
});

test("a server that keeps nothing still chats: the page remembers, until it is left", async () => {
  await using storeless = await startPageSite({ environment: { LOCI_STORE: "none" } });
  const view = await storeless.openPage({ expected: /status of (?:404|501)/ });
  const { page } = view;
  await page.getByText("This server keeps no conversations").waitFor();
  await limitAnswers(page, 16);
  await ask(page, "Who are you?");
  await answered(page, 1);
  await ask(page, "And who am I?");
  await answered(page, 2);
  expect(await figures(page).nth(1).textContent()).toMatch(/[1-9]\d* % cached/);
  await page.getByRole("button", { name: "Regenerate" }).click();
  await page.locator(".turn-assistant[aria-busy]").waitFor();
  await answered(page, 2);
  await expectClean(view);
  await page.getByRole("link", { name: "Memory" }).click();
  await page.getByRole("heading", { name: "Memory" }).first().waitFor();
  await page.getByRole("link", { name: "Chat", exact: true }).click();
  expect(await answers(page).count()).toBe(2);
  await page.getByRole("link", { name: "New chat" }).click();
  await page.getByRole("heading", { name: "What is on your mind?" }).waitFor();
});

/** Without what Markdown may lay out differently while text grows. */
function plain(text: string): string {
  return text.replaceAll(/[\s\p{P}]+/gu, "");
}
