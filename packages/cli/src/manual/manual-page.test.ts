import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { manualPage } from "./manual-page.ts";

test("docs/cli.md is what node scripts/generate-docs.ts writes", () => {
  const committed = readFileSync(new URL("../../../../docs/cli.md", import.meta.url), "utf8");
  expect(committed).toBe(manualPage());
});
