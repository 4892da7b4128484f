import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDate } from "./calendar.ts";

describe("formatDate", () => {
  test("agrees with the machine's calendar over eight thousand years", () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (unixSeconds) => {
        const [date = "", time = ""] = new Date(unixSeconds * 1000).toISOString().split("T");
        const [year = "", month = "", day = ""] = date.split("-");
        expect(formatDate(unixSeconds, "%Y-%m-%dT%H:%M:%S")).toBe(
          `${Number(year)}-${month}-${day}T${time.slice(0, 8)}`,
        );
      }),
      { seed: 7, numRuns: 2000 },
    );
  });

  test("names months and days in English and leaves unknown directives alone", () => {
    expect(formatDate(0, "%A %a %B %b %y %% %Q %")).toBe("Thursday Thu January Jan 70 % %Q %");
  });
});
