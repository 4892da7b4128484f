// Interfaces with several implementations, present or planned, have one conformance suite that
// every implementation runs.

import type { Rule } from "./source-file.ts";

/** Interface → name of its suite's file, anywhere under packages/. */
export const suitesByInterface: Readonly<Record<string, string>> = {
  Runner: "runner.suite.ts",
  GenerationService: "generation-service.suite.ts",
  Store: "store.suite.ts",
  Tier: "tier.suite.ts",
};

export const checkSuites: Rule = (files) =>
  Object.entries(suitesByInterface).flatMap(([name, suite]) => {
    const suitePath = files.find(({ path }) => path.endsWith(`/${suite}`))?.path;
    if (suitePath === undefined) {
      return [{ path: "packages", line: 0, message: `${name} has no ${suite}` }];
    }
    const isUsed = files.some(
      ({ path, text }) => path.endsWith("test.ts") && text.includes(suite.replace(/\.ts$/, "")),
    );
    return isUsed ? [] : [{ path: suitePath, line: 0, message: "no test runs this suite" }];
  });
