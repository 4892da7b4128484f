// The live views at their largest: 64 workers, 256 requests, 64 sequences, a feed that is full. They
// stay small in elements, quiet in the console, and open to everybody, in both themes and on phones.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { largeView } from "../testing/live-views.ts";
import { approvedLook, lookDifference, lookOf } from "../testing/look.ts";
import { scriptedAnswers } from "../testing/scripted-answers.ts";
import { startScriptedSite, type ScriptedSite } from "../testing/scripted-site.ts";

/** Elements of the whole page. */
const elementsMax = 2000;
/** Share of a picture's cells that may differ from the approved ones: fonts differ a little. */
const cellsApartMax = 0.06;

let site: ScriptedSite;

beforeAll(async () => {
  site = await startScriptedSite(scriptedAnswers);
}, 180_000);

afterAll(async () => {
  await site[Symbol.asyncDispose]();
});

interface ViewCase {
  readonly path: string;
  readonly name: string;
  /** What is there when it is complete. */
  readonly text: string;
}

const cases: readonly ViewCase[] = [
  { path: "/#/memory", name: "memory", text: "64 most recently used, 9936 more not shown" },
  { path: "/#/scheduling", name: "scheduling", text: "44 more not shown" },
  { path: "/#/cluster", name: "cluster", text: "63 of 64 alive" },
  { path: "/#/explain", name: "explain", text: "chatcmpl-1-0-0" },
  { path: "/#/explain/chatcmpl-1-0-0", name: "story", text: "It ended within the band." },
];

const looks = [
  { theme: "light", width: 1280, height: 800 },
  { theme: "dark", width: 1280, height: 800 },
  { theme: "light", width: 390, height: 844 },
] as const;

async function countElements(page: Page): Promise<number> {
  return page.evaluate(() => document.querySelectorAll("*").length);
}

describe.each(cases)("$name", ({ path, name, text }) => {
  test.each(looks)("$theme, $width wide", async (look) => {
    site.show(largeView(0));
    const view = await site.openPage({ path, ...look });
    const { page } = view;
    await page.getByText(text).first().waitFor();
    for (let tick = 1; tick <= 5; tick++) site.show(largeView(tick));
    // A view of the stream says how long the server has been up.
    if (path.includes("explain")) await page.getByText(text).first().waitFor();
    else await page.getByText("up 1 h 5 min").waitFor();
    const lookName = `${name}-${look.theme}-${look.width}`;
    await view.screenshot(lookName);
    const now = await lookOf(page);
    expect(lookDifference(now, approvedLook(lookName, now) ?? [])).toBeLessThan(cellsApartMax);
    expect(await countElements(page)).toBeLessThan(elementsMax);
    expect(await view.violations()).toEqual([]);
    expect(view.problems()).toEqual([]);
    // Nothing is wider than the screen, and only the content scrolls: the header stays.
    const overflow = await page.evaluate(() => {
      const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement;
      return [scrollWidth - clientWidth, scrollHeight - clientHeight];
    });
    expect(overflow).toEqual([0, 0]);
    await page.context().close();
  });
});

test("rows that are out of sight become elements when they are scrolled to", async () => {
  site.show(largeView(0));
  const { page } = await site.openPage({ path: "/#/scheduling" });
  const list = page.getByRole("region", { name: "List of requests" });
  await list.getByRole("listitem").first().waitFor();
  const last = list.locator('li[aria-posinset="256"]');
  expect(await last.count()).toBe(0);
  await list.focus();
  await page.keyboard.press("End");
  await last.waitFor();
  expect(await list.locator("li").count()).toBeLessThan(60);
  await page.context().close();
});

test("a stream that breaks is told, keeps what was shown, and goes on by itself", async () => {
  site.show(largeView(0));
  const { page } = await site.openPage({ path: "/#/memory" });
  await page.getByText("Live", { exact: true }).waitFor();
  site.interrupt();
  await page.getByText("Interrupted").waitFor();
  expect(await page.getByText("64 most recently used").count()).toBe(1);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("Live", { exact: true }).waitFor();
  await page.context().close();
});

test("charts can be read as a table", async () => {
  site.show(largeView(0));
  const { page } = await site.openPage({ path: "/#/memory" });
  await page.getByText("Live", { exact: true }).waitFor();
  site.show(largeView(1));
  await page.getByText(/As a table: Share/).click();
  const table = page.getByRole("region", { name: /Table: Share/ }).getByRole("table");
  await table.getByRole("cell", { name: "74 %" }).waitFor();
  expect(await table.getByRole("columnheader").allTextContents()).toEqual([
    "When",
    "device",
    "+ host",
    "+ disk",
  ]);
  await page.context().close();
});

test("in front of engines that show nothing, each view says what it lacks", async () => {
  const { service, ...rest } = largeView(0);
  site.show({ ...rest, service, view: null });
  const view = await site.openPage({ path: "/#/memory" });
  const { page } = view;
  await page.getByText("do not tell what their memory holds").waitFor();
  expect(await view.violations()).toEqual([]);
  await page.getByRole("link", { name: "Scheduling" }).click();
  await page.getByText("do not show their requests").waitFor();
  expect(await view.violations()).toEqual([]);
  await page.getByRole("link", { name: "Cluster", exact: true }).click();
  await page.getByText("63 of 64 alive").waitFor();
  expect(view.problems()).toEqual([]);
  await page.context().close();
});
