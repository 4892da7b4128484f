import * as fc from "fast-check";
import { expect, test } from "vitest";
import { hrefOf, parseHash, type ViewName } from "./route.ts";

const views: readonly ViewName[] = ["chat", "memory", "scheduling", "cluster", "explain"];

test("every link leads to its route", () => {
  const id = fc.stringMatching(/^[\w.:-]{1,200}$/);
  fc.assert(
    fc.property(fc.constantFrom(...views), fc.option(id), (view, maybeId) => {
      const takesId = view === "chat" || view === "explain";
      const route = { view, id: takesId ? maybeId : null };
      expect(parseHash(hrefOf(route))).toEqual(route);
    }),
    { seed: 7 },
  );
});

test("an address that names nothing is the chat, whatever it holds", () => {
  for (const hash of ["", "#", "#/", "#/nowhere/x", "#/__proto__", "#memory/../chat"]) {
    expect(parseHash(hash).view).toBe(hash.startsWith("#memory") ? "memory" : "chat");
  }
  expect(parseHash("#/chat/a b")).toEqual({ view: "chat", id: null });
  expect(parseHash(`#/chat/${"x".repeat(201)}`).id).toBeNull();
  expect(parseHash("#/explain/resp_1")).toEqual({ view: "explain", id: "resp_1" });
});
