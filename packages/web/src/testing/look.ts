// What a page looks like from afar: its picture as a coarse grid of mean colours. Letters and their
// edges, which differ from machine to machine, hardly change it; a column that moved, a panel that is
// gone or a theme that is half applied does.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";

/** One line for each row of cells; six hexadecimal digits for each cell. */
export type Look = readonly string[];

/** Cells that differ by more than so much in a colour (of 255) are counted. */
const colourDifferenceMax = 28;
const digitsPerCell = 6;
const looksPath = fileURLToPath(new URL("looks.json", import.meta.url));

export async function lookOf(page: Page): Promise<Look> {
  const picture = (await page.screenshot({ animations: "disabled" })).toString("base64");
  // Beside the page, whose content security policy allows no such pictures.
  const desk = await page.context().newPage();
  try {
    return await desk.evaluate(meanColours, picture);
  } finally {
    await desk.close();
  }
}

/** Runs in the browser. */
async function meanColours(picture: string): Promise<string[]> {
  const cellPixels = 40;
  const bytes = Uint8Array.from(atob(picture), (letter) => letter.codePointAt(0) ?? 0);
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  if (context === null) throw new Error("There is nothing to draw on.");
  context.drawImage(image, 0, 0);
  const lines: string[] = [];
  for (let top = 0; top < image.height; top += cellPixels) {
    let line = "";
    for (let left = 0; left < image.width; left += cellPixels) {
      const { data } = context.getImageData(left, top, cellPixels, cellPixels);
      const sums = [0, 0, 0];
      for (const [index, value] of data.entries()) {
        const channel = index % 4;
        if (channel < 3) sums[channel] = (sums[channel] ?? 0) + value;
      }
      const means = sums.map((sum) => Math.round((sum / data.length) * 4));
      line += means.map((mean) => mean.toString(16).padStart(2, "0")).join("");
    }
    lines.push(line);
  }
  return lines;
}

/** Share of cells that differ; 1 for pictures of different sizes. */
export function lookDifference(one: Look, other: Look): number {
  let [cells, different] = [0, 0];
  if (one.length !== other.length) return 1;
  for (const [row, line] of one.entries()) {
    const against = other[row] ?? "";
    if (line.length !== against.length) return 1;
    for (let start = 0; start < line.length; start += digitsPerCell) {
      cells++;
      if (colourDifference(line, against, start) > colourDifferenceMax) different++;
    }
  }
  return cells === 0 ? 1 : different / cells;
}

function colourDifference(line: string, against: string, start: number): number {
  let largest = 0;
  for (let digit = start; digit < start + digitsPerCell; digit += 2) {
    const value = Number.parseInt(line.slice(digit, digit + 2), 16);
    const other = Number.parseInt(against.slice(digit, digit + 2), 16);
    largest = Math.max(largest, Math.abs(value - other));
  }
  return largest;
}

/**
 * The look that was approved under this name; with `LOCI_APPROVE_LOOKS=1` the one that is there now
 * becomes it. Null when there is none.
 */
export function approvedLook(name: string, now: Look): Look | null {
  const looks: Record<string, Look> = JSON.parse(readFileSync(looksPath, "utf8"));
  if (process.env["LOCI_APPROVE_LOOKS"] === "1") {
    looks[name] = now;
    writeFileSync(looksPath, `${JSON.stringify(looks, null, 2)}\n`);
  }
  return looks[name] ?? null;
}
