// The commands of the pages that no test can run as they stand, each with the reason; `instead` is
// run in place of a command where there is something that comes close.

import type { PageCommand } from "./read-commands.ts";

export interface NotRun {
  readonly page: RegExp;
  /** Matches a command, or with `block` every command of a block that it matches. */
  readonly matches: RegExp;
  readonly block?: true;
  readonly reason: string;
  readonly instead?: string;
}

/** Every entry must match something: what is no longer in the pages has no place here. */
export const notRun: readonly NotRun[] = [
  {
    page: /^README\.md$/,
    matches: /^npm ci && npm start$/,
    reason: "installs again what the tests run on",
    instead: "npm start",
  },
  {
    page: /^README\.md$/,
    matches: /^npm (?:test|cit|run check)$/,
    reason: "runs the tests that run this one",
  },
  {
    page: /^docs\/contributing\.md$/,
    matches: /^npm (?:ci|test|run check)$/,
    reason: "installs what the tests run on, or runs the tests that run this one",
  },
  {
    page: /^README\.md$/,
    matches: /^npx loci (?:serve|chat) hf:/,
    reason: "downloads from Hugging Face; pull-servers.test.ts does it from a server of its own",
  },
  {
    page: /^docs\/cluster\.md$/,
    matches: /^loci (?:worker .*--host 10\.|router .*:\/\/10\.)/,
    reason: "addresses of other machines; router.e2e-test.ts does it on one",
  },
  {
    page: /^docs\/(?:cluster|other-engines)\.md$/,
    matches: /^loci router .*--?worker-url http:\/\/127\.0\.0\.1:808/,
    reason: "needs engines at these ports; the tests of packages/foreign bring their own",
  },
  {
    page: /^docs\/other-engines\.md$/,
    matches: /^(?:llama-server|vllm|python -m sglang)/,
    reason: "other programs, some of which need a GPU",
  },
  {
    page: /^docs\/devices\.md$/,
    matches: /^(?:npm install --no-save|npx loci serve --device)/,
    reason: "needs a graphics card; device.e2e-test.ts does it with a software driver",
  },
  {
    page: /^docs\/devices\.md$/,
    matches: /^npm run (?:build|check):cuda$/,
    reason: "needs NVIDIA's compiler and a card; the emulation is run instead, one line above",
  },
  {
    page: /^docs\/deployment\.md$/,
    matches: /docker compose|docker build|helm install/,
    block: true,
    reason: "needs Docker, Helm or a cluster; scripts/deploy checks the files without them",
  },
];

/** The entry for `command`, if there is one. */
export function notRunEntry(command: PageCommand): NotRun | null {
  const found = notRun.find(({ page, matches, block }) => {
    return page.test(command.page) && matches.test(block ? command.block : command.text);
  });
  return found ?? null;
}
