// The parts of a plot as SVG: self-contained, readable on any background, with text escaped. Numbers
// come from the caller.

import { defined } from "@loci/core";

/** Told apart also by those who see no red or green. */
const colours = ["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#9c6b4e", "#a463f2", "#97bbf5"];

/** Nothing that is measured is beyond these, and arithmetic is safe within them. */
const smallest = 1e-12;
const greatest = 1e15;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A part of a file that knows how much room it takes. */
export interface Picture {
  readonly size: Size;
  readonly parts: readonly string[];
}

/** The whole file. `title` is also what screen readers say. */
export function svgDocument(size: Size, title: string, parts: readonly string[]): string {
  const { width, height } = size;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" \
height="${height}" role="img" font-family="sans-serif" font-size="12">
<title>${escaped(title)}</title>
<rect width="${width}" height="${height}" fill="white"/>
${parts.join("\n")}
</svg>
`;
}

/** Pictures one below the other, as one file. */
export function svgStack(title: string, pictures: readonly Picture[]): string {
  let y = 0;
  const parts = pictures.map(({ size, parts: inner }) => {
    const part = `<g transform="translate(0 ${y})">\n${inner.join("\n")}\n</g>`;
    y += size.height;
    return part;
  });
  const width = Math.max(...pictures.map(({ size }) => size.width));
  return svgDocument({ width, height: y }, title, parts);
}

export function textAt(
  x: number,
  y: number,
  content: string,
  attributes: string = `text-anchor="start"`,
): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${escaped(content)}</text>`;
}

export function colourOf(index: number): string {
  return defined(colours[index % colours.length]);
}

/** Marks from 0 to the next round number above `largest`. */
export function roundTicks(largest: number, count: number): readonly number[] {
  const step = roundStep(largest > smallest ? largest / count : 1);
  const marks = Math.max(1, Math.ceil(largest / step - 1e-9));
  return Array.from({ length: marks + 1 }, (_, mark) => mark * step);
}

/** What can be drawn of measured values. */
export function drawable(values: readonly number[]): readonly number[] {
  return values.filter((value) => value >= 0 && value <= greatest);
}

/** With as many digits as tell something. */
export function numberText(value: number): string {
  return String(Number(value.toPrecision(4)));
}

export function fixed(value: number): string {
  return value.toFixed(1);
}

/** The next of 1, 2, 2.5, 5, 10 times a power of ten. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= least * (1 - 1e-9));
  return (factor ?? 10) * power;
}

function escaped(content: string): string {
  return content
    .replaceAll(/[\p{Cc}\uFFFE\uFFFF]/gu, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
