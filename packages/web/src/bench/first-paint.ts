// How soon the page is there: first paint, and the last file of the chat, over fresh visits with nothing
// cached, against a real server on this machine.
//
//   node packages/web/src/bench/first-paint.ts [VISITS]

import type { Page } from "playwright-core";
import { startPageSite } from "../testing/page-site.ts";

interface Visit {
  readonly firstPaintMs: number;
  readonly loadedMs: number;
  readonly kilobytes: number;
}

const visitsWanted = Number(process.argv[2] ?? 9);
await using site = await startPageSite();
const visits: Visit[] = [];
for (let index = 0; index < visitsWanted; index++) {
  const { page } = await site.openPage();
  await page.getByRole("textbox", { name: "Message" }).waitFor();
  visits.push(await measure(page));
  await page.context().close();
}
const figures = {
  visits: visits.length,
  firstPaintMsMedian: median(visits.map(({ firstPaintMs }) => firstPaintMs)),
  firstPaintMsWorst: Math.max(...visits.map(({ firstPaintMs }) => firstPaintMs)),
  loadedMsMedian: median(visits.map(({ loadedMs }) => loadedMs)),
  kilobytes: visits[0]?.kilobytes ?? 0,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);

/** Times count from the start of the navigation. */
function measure(page: Page): Promise<Visit> {
  return page.evaluate(() => {
    const timeline = globalThis.performance;
    const [paint] = timeline.getEntriesByName("first-contentful-paint");
    const entries = timeline.getEntriesByType("resource");
    const resources = entries.filter((entry) => entry instanceof PerformanceResourceTiming);
    const assets = resources.filter(({ name }) => name.includes("/assets/"));
    const bytes = assets.reduce((sum, { transferSize }) => sum + transferSize, 0);
    return {
      firstPaintMs: Math.round(paint?.startTime ?? Number.NaN),
      loadedMs: Math.round(Math.max(...assets.map(({ responseEnd }) => responseEnd))),
      kilobytes: Math.round(bytes / 1000),
    };
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
