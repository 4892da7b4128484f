import { describe, expect, it } from "vitest";
import { chartOptions, sampledRows, type ChartShape } from "./chart-options.ts";

const shape: ChartShape = {
  lines: [
    { label: "device", color: "--a", isFilled: true },
    { label: "host", color: "--b", isFilled: true },
    { label: "limit", color: "--c", dash: [4, 4] },
  ],
  formatX: String,
  formatY: String,
  topMin: 1,
};
const colors = { lines: ["rgb(1, 2, 3)", "rgb(4, 5, 6)", "red"], ink: "black", grid: "grey" };

describe("chartOptions", () => {
  it("fills the first line to the ground and the others to the one before", () => {
    const options = chartOptions(shape, { width: 100, height: 50 }, colors, () => undefined);
    expect(options.series[1]).toMatchObject({
      fill: "rgba(1, 2, 3, 0.25)",
      stroke: "rgb(1, 2, 3)",
    });
    expect(options.bands).toEqual([{ series: [2, 1], fill: "rgba(4, 5, 6, 0.25)" }]);
    expect(options.series[3]).toMatchObject({ dash: [4, 4] });
  });
});

describe("sampledRows", () => {
  it("takes all rows of a short table, and ends of a long one", () => {
    expect(sampledRows(3, 5)).toEqual([0, 1, 2]);
    expect(sampledRows(600, 4)).toEqual([0, 200, 399, 599]);
  });
});
