import { createServer } from "node:net";

import { LociError } from "@loci/core";
import { describe, expect, test } from "vitest";

import { ok, runChecks, warn } from "./check.ts";
import { findingsText } from "./doctor-command.ts";
import { checkMemory, checkNode, checkPort } from "./machine-checks.ts";

describe("checks", () => {
  test("Node from 24.12 on", () => {
    const statuses = ["20.18.0", "24.11.9", "24.12.0", "26.0.0"].map((v) => checkNode(v).status);
    expect(statuses).toEqual(["fail", "fail", "ok", "ok"]);
  });

  test("little memory is a warning", () => {
    expect(checkMemory(8e9, 16e9).status).toBe("ok");
    expect(checkMemory(1e8, 16e9)).toMatchObject({ status: "warn" });
  });

  test("a port in use is found, a free one and any are fine", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" && address ? address.port : 0;
    expect(await checkPort("127.0.0.1", port)).toMatchObject({ status: "warn" });
    await new Promise((resolve) => other.close(resolve));
    expect(await checkPort("127.0.0.1", port)).toMatchObject({ status: "ok" });
    expect(await checkPort("127.0.0.1", 0)).toMatchObject({ status: "ok" });
  });
});

test("what a check throws becomes its failure, with the remedy of a known error", async () => {
  const findings = await runChecks([
    { name: "a", look: () => ok("fine") },
    {
      name: "b",
      look: () => {
        throw new LociError("native_library_missing", "Not there.", { remedy: "Run npm ci." });
      },
    },
    { name: "c", look: () => Promise.reject(new Error("odd")) },
  ]);
  expect(findings).toMatchObject([
    { name: "a", status: "ok" },
    { name: "b", status: "fail", detail: "Not there. Run npm ci." },
    { name: "c", status: "fail", detail: "odd" },
  ]);
});

test("the text has a line for each finding and a verdict", () => {
  const findings = [
    { name: "memory", ...ok("enough") },
    { name: "disk", ...warn("full", "Free some.") },
  ];
  expect(findingsText(findings, { coloured: false })).toBe(
    "ok    memory  enough\nwarn  disk    full\n              Free some.\n\nReady to serve.\n",
  );
});
