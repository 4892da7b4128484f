import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { readSlice, readVersion } from "./endpoint-slice.ts";
import { EndpointTable, slicesMax } from "./endpoint-table.ts";
import { parseServiceName } from "./service-name.ts";

const slice = {
  metadata: { name: "workers-abc", resourceVersion: "7" },
  addressType: "IPv4",
  ports: [{ name: "http", port: 8080 }],
  endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready: true } }],
};

describe("slices", () => {
  test("are the addresses of ready pods", () => {
    const endpoints = [
      { addresses: ["10.0.0.1", "10.0.0.99"], conditions: { ready: true } },
      { addresses: ["10.0.0.2"], conditions: { ready: false, serving: true, terminating: true } },
      { addresses: ["10.0.0.3"], conditions: {} },
      { addresses: ["10.0.0.4"] },
      { addresses: ["10.0.0.1"] },
      { addresses: [] },
      { addresses: [7] },
      "nonsense",
    ];
    expect(readSlice({ ...slice, endpoints }, null)).toEqual({
      name: "workers-abc",
      urls: ["http://10.0.0.1:8080", "http://10.0.0.3:8080", "http://10.0.0.4:8080"],
    });
  });

  test("of IPv6 have brackets, and https where the port says so", () => {
    const ports = [{ name: "api", port: 8443, appProtocol: "https", protocol: "TCP" }];
    const endpoints = [{ addresses: ["fd00::7"] }];
    const read = readSlice({ ...slice, addressType: "IPv6", ports, endpoints }, "api");
    expect(read?.urls).toEqual(["https://[fd00::7]:8443"]);
  });

  test.each([
    [
      [
        { name: "http", port: 8080 },
        { name: "metrics", port: 9090 },
      ],
      "metrics",
      9090,
    ],
    [[{ port: 8080 }], null, 8080],
    [
      [
        { name: "http", port: 8080 },
        { name: "dns", port: 53, protocol: "UDP" },
      ],
      null,
      8080,
    ],
    [
      [
        { name: "http", port: 8080 },
        { name: "metrics", port: 9090 },
      ],
      null,
      null,
    ],
    [[{ name: "http", port: 8080 }], "other", null],
    [[{ name: "http", port: 70_000 }], "http", null],
    [[{ name: "http", port: null }], "http", null],
    [null, "http", null],
  ])("have the port that is asked for (%#)", (ports, portName, number) => {
    const urls = readSlice({ ...slice, ports }, portName)?.urls;
    expect(urls).toEqual(number === null ? [] : [`http://10.0.0.1:${number}`]);
  });

  test("of names, or that are none, have no addresses", () => {
    expect(readSlice({ ...slice, addressType: "FQDN" }, null)?.urls).toEqual([]);
    for (const value of [null, 7, [], {}, { metadata: {} }, { metadata: { name: 7 } }]) {
      expect(readSlice(value, null)).toBeNull();
      expect(readVersion(value)).toBeNull();
    }
    expect(readVersion({ metadata: { resourceVersion: "12" } })).toBe("12");
  });

  test("of any shape do no harm", () => {
    fc.assert(
      fc.property(fc.object({ maxDepth: 3, maxKeys: 5 }), (noise) => {
        expect(readSlice({ ...slice, ...noise }, null)?.name).toBe("workers-abc");
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

test("the table tells exactly what came and went", () => {
  const name = fc.constantFrom("a", "b", "c");
  const urls = fc.uniqueArray(fc.constantFrom("u1", "u2", "u3", "u4", "u5"));
  const one = fc.record({ name, urls });
  const step = fc.oneof(
    fc.record({ kind: fc.constant("put" as const), slice: one }),
    fc.record({ kind: fc.constant("remove" as const), slice: one }),
    fc.record({
      kind: fc.constant("replace" as const),
      slices: fc.uniqueArray(one, { selector: (each) => each.name }),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const table = new EndpointTable();
      const naive = new Map<string, readonly string[]>();
      const known = new Set<string>();
      for (const each of steps) {
        if (each.kind === "replace") {
          naive.clear();
          for (const { name: sliceName, urls: its } of each.slices) naive.set(sliceName, its);
        } else if (each.kind === "put") naive.set(each.slice.name, each.slice.urls);
        else naive.delete(each.slice.name);
        const change =
          each.kind === "replace"
            ? table.replace(each.slices)
            : each.kind === "put"
              ? table.put(each.slice)
              : table.remove(each.slice.name);
        for (const url of change.joined) expect(known.has(url)).toBe(false);
        for (const url of change.left) expect(known.has(url)).toBe(true);
        for (const url of change.joined) known.add(url);
        for (const url of change.left) known.delete(url);
        expect(known).toEqual(new Set([...naive.values()].flat()));
        table.checkIntegrity();
      }
    }),
    { seed: 5, numRuns: 300 },
  );
});

test("slices are bounded", () => {
  const table = new EndpointTable();
  for (let index = 0; index < slicesMax + 5; index++) {
    table.put({ name: `s${index}`, urls: [`u${index}`] });
  }
  table.checkIntegrity();
  expect(table.urls).toHaveLength(slicesMax);
});

test("services are named as users write them", () => {
  expect(parseServiceName("workers")).toEqual({ namespace: null, name: "workers", port: null });
  expect(parseServiceName("models/workers:http")).toEqual({
    namespace: "models",
    name: "workers",
    port: "http",
  });
  for (const text of ["", "a/b/c", "Workers", "models/", "/workers", "a:b:c", "a,b=c", "../x"]) {
    expect(() => parseServiceName(text)).toThrow(/no service of Kubernetes/);
  }
});
