// What goes into a message and how it is asked for: files, JSON, the keyboard alone, a phone, keys.

import { describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { startPageSite } from "../testing/page-site.ts";
import { usePageSite } from "../testing/use-page-site.ts";

const site = usePageSite();

const answer = ".turn-assistant:not([aria-busy])";

async function limitAnswers(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Chat settings" }).click();
  await page.getByRole("textbox", { name: "Tokens at most" }).fill("16");
  await page.getByRole("button", { name: "Done" }).click();
}

test("text files go with a message; others are refused in words", async () => {
  const view = await site().openPage();
  const { page } = view;
  await limitAnswers(page);
  const input = page.getByLabel("Attach text files").and(page.locator("input"));
  const file = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("alpha ``` beta") };
  await input.setInputFiles([file]);
  await page.getByRole("button", { name: "Remove notes.txt" }).waitFor();
  await input.setInputFiles({ ...file, name: "raw.bin", buffer: Buffer.from([0, 255, 1]) });
  await page.getByRole("alert").getByText("raw.bin is not a text file.").waitFor();
  await input.setInputFiles({ ...file, name: "big.txt", buffer: Buffer.alloc(262_145, "a") });
  await page.getByRole("alert").getByText("big.txt is larger than 256 KiB.").waitFor();
  expect(await view.violations()).toEqual([]);
  await page.getByRole("textbox", { name: "Message" }).fill("What is in it?");
  await page.keyboard.press("Enter");
  await page.locator(answer).waitFor();
  const question = page.getByRole("article", { name: "You" });
  await question.getByText("notes.txt").click();
  expect(await question.locator("pre").textContent()).toBe("alpha ``` beta");
  expect(await question.locator("p").textContent()).toBe("What is in it?");
  expect(await view.violations()).toEqual([]);
  expect(view.problems()).toEqual([]);
});

test("JSON mode: a schema is checked while it is written, and answers keep to it", async () => {
  const view = await site().openPage();
  const { page } = view;
  await page.getByRole("button", { name: "Chat settings" }).click();
  await page.getByRole("combobox", { name: "JSON mode" }).selectOption("schema");
  const schema = page.getByRole("textbox", { name: "JSON schema of the answer" });
  await schema.fill('{"type": "object",');
  await page.getByText("Not JSON").waitFor();
  expect(await schema.getAttribute("aria-invalid")).toBe("true");
  expect(await view.violations()).toEqual([]);
  await schema.fill(
    JSON.stringify({
      type: "object",
      properties: { mood: { enum: ["good", "bad"] }, count: { enum: [1, 2] } },
      required: ["mood", "count"],
      additionalProperties: false,
    }),
  );
  await page.getByText("Answers are held to this schema.").waitFor();
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("textbox", { name: "Message" }).fill("How are you?");
  await page.keyboard.press("Enter");
  const text = await page.locator(`${answer} .markdown`).textContent();
  const value: { readonly mood: string; readonly count: number } = JSON.parse(text ?? "");
  expect(["good", "bad"]).toContain(value.mood);
  expect([1, 2]).toContain(value.count);
  expect(view.problems()).toEqual([]);
});

test("everything can be reached and done with the keyboard alone", async () => {
  const view = await site().openPage();
  const { page } = view;
  const focused = (): Promise<string> =>
    page.evaluate(
      () =>
        document.activeElement?.getAttribute("aria-label") ??
        document.activeElement?.textContent ??
        "",
    );
  await expect.poll(focused).toBe("Message");
  await page.keyboard.type("Tell me a long story");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("about a dragon.");
  expect(await page.getByRole("textbox", { name: "Message" }).inputValue()).toBe(
    "Tell me a long story\nabout a dragon.",
  );
  await page.keyboard.press("Enter");
  await page.locator('[data-status="writing"]').waitFor();
  expect(await focused()).toBe("Message");
  await page.keyboard.press("Escape");
  await page.locator(answer).waitFor();
  expect(await focused()).toBe("Message");

  // From the top: the skip link, then every control, each where focus can be seen.
  await page.evaluate(() => document.querySelector<HTMLElement>(".brand")?.focus());
  await page.keyboard.press("Shift+Tab");
  expect(await focused()).toBe("Skip to content");
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
  const reached = new Set<string>();
  for (let step = 0; step < 40 && !reached.has("Message"); step++) {
    await page.keyboard.press("Tab");
    reached.add(await focused());
  }
  for (const name of [
    "New chat",
    "Import a conversation",
    "Rename",
    "Export",
    "Delete",
    "Chat settings",
    "Copy message",
    "Message",
  ]) {
    expect([...reached]).toContain(name);
  }

  // A dialog keeps the focus and gives it back.
  await page.getByRole("button", { name: "Rename" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(await focused()).toBe("Rename");
  expect(view.problems()).toEqual([]);
});

describe("how it looks", () => {
  test("dark, with the theme that was chosen after a reload", async () => {
    const view = await site().openPage({ theme: "dark" });
    const { page } = view;
    const paper = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await paper();
    await limitAnswers(page);
    await page.getByRole("textbox", { name: "Message" }).fill("Good evening");
    await page.keyboard.press("Enter");
    await page.locator(answer).waitFor();
    expect(await view.violations()).toEqual([]);
    await view.screenshot("chat-dark");
    await page.getByRole("button", { name: /^Theme: as the system/ }).click();
    await expect.poll(paper).not.toBe(dark);
    await page.reload();
    await page.getByRole("button", { name: /^Theme: light/ }).waitFor();
    expect(await paper()).not.toBe(dark);
    expect(await view.violations()).toEqual([]);
    expect(view.problems()).toEqual([]);
  });

  test("on a phone the list is a drawer, and nothing sticks out", async () => {
    const view = await site().openPage({ width: 390, height: 780 });
    const { page } = view;
    await limitAnswers(page);
    await page.getByRole("textbox", { name: "Message" }).fill("x".repeat(300));
    await page.keyboard.press("Enter");
    await page.locator(answer).waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBe(0);
    expect(await view.violations()).toEqual([]);
    await view.screenshot("chat-phone");
    await page.getByRole("button", { name: "Conversations" }).click();
    const drawer = page.getByRole("dialog", { name: "Conversations" });
    await drawer.getByRole("link", { name: /^x+/ }).first().waitFor();
    expect(await view.violations()).toEqual([]);
    await view.screenshot("chat-phone-drawer");
    await drawer.getByRole("link", { name: "New chat" }).click();
    await drawer.waitFor({ state: "detached" });
    await page.getByRole("heading", { name: "New chat" }).waitFor();
    expect(view.problems()).toEqual([]);
  });
});

test("a server with keys asks for one, and tells when it is wrong", async () => {
  await using locked = await startPageSite({
    environment: { LOCI_API_KEY: "right-key-of-this-test" },
  });
  const view = await locked.openPage({ expected: /401/ });
  const { page } = view;
  const dialog = page.getByRole("dialog", { name: "API key" });
  await dialog.waitFor();
  expect(await view.violations()).toEqual([]);
  await dialog.getByLabel("Key").fill("wrong");
  await page.keyboard.press("Enter");
  await dialog.getByText("did not accept").waitFor();
  await dialog.getByLabel("Key").fill("right-key-of-this-test");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByText("No conversations yet.").waitFor();
  await page.getByRole("textbox", { name: "Message" }).fill("Hello");
  await page.keyboard.press("Enter");
  await page.locator(answer).waitFor();
  expect(view.problems()).toEqual([]);
});
