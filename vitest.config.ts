// Three kinds of tests: unit (no model, seconds), model (real weights, small), e2e (processes).
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
      { extends: true, test: { name: "unit", include: tests("test"), testTimeout: 20_000 } },
      {
        extends: true,
        test: { name: "model", include: tests("model-test"), testTimeout: 300_000 },
      },
      { extends: true, test: { name: "e2e", include: tests("e2e-test"), testTimeout: 300_000 } },
    ],
  },
});

export default config;
