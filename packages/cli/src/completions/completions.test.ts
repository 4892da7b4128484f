// Every verb and every flag is in every script.

import { namedSettings } from "@loci/core";
import { Command } from "commander";
import { describe, expect, test } from "vitest";

import { buildProgram } from "../program.ts";
import { bashScript } from "./bash-script.ts";
import { commandTree } from "./command-tree.ts";
import { completionCases, completionSteps } from "./completion-cases.ts";
import { fishScript } from "./fish-script.ts";
import { zshScript } from "./zsh-script.ts";

const silent = { out: () => {}, err: () => {}, coloured: false };
const cases = completionCases(commandTree(buildProgram(silent, () => async () => {}, silent)));

test("each verb and alias is a case that steps lead to", () => {
  const paths = cases.map(({ path }) => path);
  expect(new Set(paths).size).toBe(paths.length);
  const reached = new Set(["", ...completionSteps(cases).map(([, , next]) => next)]);
  expect(new Set(paths)).toEqual(reached);
  for (const path of ["serve", "show", "ls", "cache explain", "sessions import", "config print"]) {
    expect(paths).toContain(path);
  }
});

describe.each([
  ["bash", bashScript],
  ["zsh", zshScript],
  ["fish", fishScript],
])("%s", (_name, write) => {
  const script = write(cases);

  test("knows all verbs and settings", () => {
    for (const { verbs } of cases) for (const { name } of verbs) expect(script).toContain(name);
    for (const { setting } of namedSettings) expect(script).toContain(setting.flag);
  });

  test("quotes close, and nothing of a description can be run", () => {
    const program = new Command("loci");
    program.command("odd").description("it's `touch one` $(touch two) \\ 'q'");
    const text = write(completionCases(commandTree(program)));
    const outside = text
      .split("\n")
      .filter((line) => line.includes("touch"))
      .map((line) => line.replaceAll(/\\./g, "").replaceAll(/'[^']*'/g, ""));
    expect(outside.join("\n")).not.toContain("touch");
  });
});
