// Three kinds of tests: unit (no model, seconds), model (real weights, small), e2e (processes).
// Unit tests of many files share a process, and the modules that it has loaded: starting and loading
// anew for each file would take as long as the tests themselves. So no module may keep state that a
// test could meet. The others get a process for each file.
import { defineConfig, type ViteUserConfig } from "vitest/config";

const tests = (kind: string): string[] => [
  `packages/*/src/**/*.${kind}.ts`,
  `training/**/*.${kind}.ts`,
  `scripts/**/*.${kind}.ts`,
];

const config: ViteUserConfig = defineConfig({
  test: {
    pool: "forks",
    projects: [
      {
        extends: true,
        test: { name: "unit", include: tests("test"), isolate: false, testTimeout: 120_000 },
      },
      {
        extends: true,
        test: { name: "model", include: tests("model-test"), testTimeout: 300_000 },
      },
      { extends: true, test: { name: "e2e", include: tests("e2e-test"), testTimeout: 300_000 } },
    ],
  },
});

export default config;
