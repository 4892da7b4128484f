import { describe, expect, it } from "vitest";
import { lineChart } from "./line-chart.ts";

const options = { title: "a < b & c", xLabel: "x", yLabel: "y" };

describe("lineChart", () => {
  it("draws every series at its place, with round ticks and escaped text", () => {
    const svg = lineChart(
      [
        {
          name: "one",
          points: [
            { x: 0, y: 0 },
            { x: 10, y: 20 },
          ],
        },
        {
          name: "two",
          points: [
            { x: 5, y: Number.NaN },
            { x: 5, y: 10 },
          ],
        },
      ],
      { ...options, limit: { y: 15, name: "limit" } },
    );
    expect(svg).toContain("a &lt; b &amp; c");
    expect(svg).toContain('points="76.0,384.0 552.0,44.0"');
    expect(svg).toContain('points="314.0,214.0"');
    expect(svg.match(/<circle/gu)).toHaveLength(3);
    for (const tick of [">5<", ">10<", ">15<", ">20<", ">limit<"]) expect(svg).toContain(tick);
  });

  it("cuts what lies beyond its end, and stands without points", () => {
    const svg = lineChart([{ name: "one", points: [{ x: 1, y: 900 }] }], { ...options, yMax: 10 });
    expect(svg).toContain('points="552.0,44.0"');
    expect(lineChart([], options)).toContain("</svg>");
  });
});
