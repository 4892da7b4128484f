import * as fc from "fast-check";
import { expect, test } from "vitest";

import { readCommands, splitCommands } from "./read-commands.ts";

test("blocks of shell, wherever they stand, and no others", () => {
  const page = [
    "# Page",
    "```sh",
    "one",
    "```",
    "```json",
    "{}",
    "```",
    "- item",
    "",
    "  ```sh",
    "  two \\",
    "    more",
    "  ```",
    "",
  ].join("\n");
  const commands = readCommands("docs/page.md", page);
  expect(commands.map(({ line, text }) => [line, text])).toEqual([
    [2, "one"],
    [10, "two   more"],
  ]);
  expect(commands[1]?.block).toBe("two \\\n  more\n");
});

test.each<[string, readonly string[]]>([
  ["a\n\nb\n", ["a", "b"]],
  ["a # of b\n# all of it\nc", ["a", "c"]],
  ["curl a#b 'c # d' # e", ["curl a#b 'c # d'"]],
  ["curl -d '{\n  \"a\": 1\n}' u\nb", ["curl -d '{\n  \"a\": 1\n}' u", "b"]],
  ['echo "it\'s"\nb', ['echo "it\'s"', "b"]],
  ["printf 'a\\n' $(x)", ["printf 'a\\n' $(x)"]],
  ["a \\\n  b", ["a   b"]],
  ["", []],
])("%j", (block, commands) => {
  expect(splitCommands(block)).toEqual(commands);
});

test("nothing but comments, line ends and white space is lost", () => {
  const word = fc.constantFrom("curl", "-d", "'a b'", '"c\nd"', "x=1", "a#b", "|");
  const line = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(" "));
  const comment = fc.constantFrom("", " # why", "  # 'odd");
  fc.assert(
    fc.property(fc.array(fc.tuple(line, comment), { maxLength: 5 }), (lines) => {
      const block = lines.map(([text, note]) => `${text}${note}\n`).join("");
      expect(splitCommands(block)).toEqual(lines.map(([text]) => text));
    }),
    { seed: 5, numRuns: 300 },
  );
});
