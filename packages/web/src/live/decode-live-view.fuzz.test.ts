import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeLiveView } from "./decode-live-view.ts";
import { largeView, liveView } from "../testing/live-views.ts";

describe("decodeLiveView", () => {
  it("gives back what a server sent", () => {
    const sent = largeView(3);
    expect(decodeLiveView(JSON.stringify(sent))).toEqual(sent);
  });

  it("takes null for an endless expectation, and absent names for none", () => {
    const { conversations: _, ...rest } = liveView();
    const body = { ...rest, service: { ...rest.service, waitSecondsExpected: null } };
    const decoded = decodeLiveView(JSON.stringify(body));
    expect(decoded?.service.waitSecondsExpected).toBe(Number.POSITIVE_INFINITY);
    expect(decoded?.conversations).toEqual({});
  });

  it("takes a server without a look inside", () => {
    expect(decodeLiveView(JSON.stringify(liveView({ view: null })))?.view).toBeNull();
  });

  it("never throws, and never shows what lacks a part", () => {
    const parts = ["service", "rates", "atMs"] as const;
    fc.assert(
      fc.property(fc.constantFrom(...parts), fc.jsonValue(), fc.string(), (part, value, text) => {
        expect(decodeLiveView(text)).toBeNull();
        const broken = decodeLiveView(JSON.stringify({ ...liveView(), [part]: value }));
        expect(broken === null).toBe(part !== "atMs" || typeof value !== "number");
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
