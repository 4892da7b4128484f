// A worker is killed in the midst of an answer: the stream goes on from another one, and the page
// shows it.

import { expect, test } from "vitest";
import { busiestChild, childTicks } from "../testing/busiest-child.ts";
import { usePageSite } from "../testing/use-page-site.ts";

const site = usePageSite({ words: ["--workers", "2", "--threads", "1", "--kv-memory", "64MiB"] });

const tokens = 1200;

/** Reads the stream to its end; `onPiece` after every piece, with the answer's id once it is known. */
async function streamAnswer(onPiece: (pieces: number) => void): Promise<string> {
  const response = await fetch(`${site().server.url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "loci-demo",
      prompt: "Once upon a time",
      max_tokens: tokens,
      ignore_eos: true,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    }),
  });
  if (!response.ok || response.body === null) throw new Error(await response.text());
  let text = "";
  let pieces = 0;
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    text += piece;
    onPiece(++pieces);
  }
  return text;
}

test("a worker dies, its answer goes on, and the page says so", async () => {
  const { server } = site();
  const view = await site().openPage({ path: "/#/cluster" });
  const { page } = view;
  await page.getByText("2 of 2 alive").waitFor();
  const before = childTicks(server.pid);
  let victim: number | null = null;
  const text = await streamAnswer((pieces) => {
    if (pieces < 50 || victim !== null) return;
    victim = busiestChild(server.pid, before);
    process.kill(victim, "SIGKILL");
  });
  expect(victim).not.toBeNull();
  expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
  expect(text).toContain(`"completion_tokens":${tokens}`);

  const tile = (label: string) =>
    page.locator(".live-tile").filter({ hasText: label }).locator(".live-tile-value");
  await tile("went on elsewhere").getByText("1", { exact: true }).waitFor();
  await tile("workers lost").getByText("1", { exact: true }).waitFor();
  await page.getByText("2 of 2 alive").waitFor();
  // Its placement after the loss, and what it would have cost.
  const placement = page.locator(".placement-entry").first();
  await placement.waitFor();
  await placement.locator("summary").click();
  await placement.getByText("chosen").waitFor();
  expect(await view.violations()).toEqual([]);

  await placement.getByRole("link", { name: /Explain this request/ }).click();
  await page.getByText("ended: length").waitFor();
  await page
    .getByText(/moved from/)
    .first()
    .waitFor();
  expect(await view.violations()).toEqual([]);
  expect(view.problems()).toEqual([]);
});
