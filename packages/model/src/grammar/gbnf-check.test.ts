import { LociError } from "@loci/core";
import { describe, expect, test } from "vitest";
import { checkGrammar } from "./gbnf-check.ts";
import { grammarMatches } from "./gbnf-matcher.ts";

function refusalOf(gbnf: string): string {
  try {
    checkGrammar(gbnf);
  } catch (error) {
    if (error instanceof LociError && error.code === "invalid_request") return error.message;
    throw error;
  }
  return "";
}

describe("grammars that pass", () => {
  const arithmetic = [
    'root ::= (expr "=" ws term "\\n")+',
    "expr ::= term ([-+*/] term)*",
    'term ::= ident | num | "(" ws expr ")" ws',
    "ident ::= [a-z] [a-z0-9_]* ws # a name",
    "num ::= [0-9]+ ws",
    "ws ::= [ \\t\\n]*",
  ].join("\n");
  const list = 'root ::= item+\n\nitem ::= "- " [^\\r\\n\\x0b\\x0c\\x85\\u2028\\u2029]+ "\\n"\n';

  test.each([
    ["a word", 'root ::= "yes" | "no"', ["yes", "no"], ["", "maybe", "yesno"]],
    ["arithmetic", arithmetic, ["x=1\n", "(1 +2)*z = 3\n4=5\n"], ["x", "(1=2\n"]],
    ["a list", list, ["- a\n", "- a\n- b\n"], ["- \n", "a"]],
    ["bounds", "root ::= [ab]{2,3} . {2} [^a-c]?", ["abzz", "aaazzd"], ["azz", "abzzb"]],
    ["nothing at all", 'root ::= "a" ("b"){0,0} [c]{0} "d"', ["ad"], ["abd", "acd"]],
    ["escapes", 'root ::= "\\x41\\u00e9\\U0001F600\\t\\"\\\\" [\\]\\-]', ['Aé😀\t"\\]'], ["A"]],
    ["a newline in a group", 'root ::= (\n"a" |\n "b"\n)\r\n', ["a", "b"], ["c"]],
    ["a dash at the end of a class", "root ::= [a-]+", ["a-a"], ["b"]],
    ["tokens", 'root ::= <think> !<[5]>* "x"', [], ["x"]],
    ["an empty answer", 'root ::= "" | "a"', ["", "a"], ["b"]],
    ["recursion", 'root ::= "(" root ")" | "."', ["((.))"], ["(.", ".)"]],
  ])("%s", (_, gbnf, accepted, rejected) => {
    expect(refusalOf(gbnf)).toBe("");
    expect(accepted.filter((text) => !grammarMatches(gbnf, text))).toEqual([]);
    expect(rejected.filter((text) => grammarMatches(gbnf, text))).toEqual([]);
  });
});

describe("grammars that are refused", () => {
  const chain = Array.from({ length: 40 }, (_, i) => `r${i} ::= r${i + 1} "x" | r${i + 1} "y"`);
  const copies = Array.from(
    { length: 40 },
    (_, i) => `r${i} ::= "a" r${i + 1} "x" | "a" r${i + 1} "y"`,
  );
  test.each([
    ["nothing", "", 'no rule "root"'],
    ["no root", 'a ::= "x"', 'no rule "root"'],
    ["an undefined rule", "root ::= a", '"a" is not defined'],
    ["two definitions", 'root ::= "a"\nroot ::= "b"', "line 2, column 1: the rule"],
    ["a missing quote", 'root ::= "a', "ends too early"],
    ["a missing bracket", "root ::= [a", "ends too early"],
    ["a missing parenthesis", 'root ::= ("a"', '")" is missing'],
    ["an empty class", "root ::= []", "empty"],
    ["a reversed range", "root ::= [z-a]", "before it starts"],
    ["an unknown escape", 'root ::= "\\q"', "line 1, column 11: an unknown escape"],
    ["a character beyond the last", 'root ::= "\\U00110000"', "no such character"],
    ["half a pair", 'root ::= "\uD800"', "surrogate"],
    ["a zero", 'root ::= "\0"', "character 0"],
    ["nothing to repeat", "root ::= *", "nothing to repeat"],
    ["repeating nothing", 'root ::= ""*', "nothing to repeat"],
    ["an empty loop", 'root ::= (""*)*', "nothing to repeat"],
    ["a loop over what may be empty", 'root ::= ("a"?)*', "may start with itself"],
    ["a hidden empty loop", 'root ::= (a)* "x"\na ::= b\nb ::= "y" |', "may start with itself"],
    ["left recursion", 'root ::= root "a" | "a"', "may start with itself"],
    [
      "left recursion behind an empty rule",
      'root ::= e root "a" | "b"\ne ::= f\nf ::= "" | "c"',
      "itself",
    ],
    ["mutual left recursion", 'root ::= a\na ::= b "x"\nb ::= a "y" | "z"', "itself"],
    ["a billion", "root ::= [a]{1000000000}", "repetitions go up to 2000"],
    ["beyond the bound", "root ::= [a]{0,2001}", "repetitions go up to 2000"],
    ["a multiplied repetition", "root ::= ([a]{1,1000}){1,1000}", "multiply"],
    ["the same through a rule", "root ::= a{1,1000}\na ::= [a]{1,1000}", "ambiguous"],
    ["a reversed repetition", "root ::= [a]{3,2}", "before it starts"],
    ["a large expansion", `root ::= "${"a".repeat(100)}"{1,2000}`, "too large"],
    ["deep parentheses", `root ::= ${"(".repeat(60_000)}`, "nested too deeply"],
    ["no finite text", 'root ::= "a" root', "no finite text"],
    ["too long", `root ::= "${"a".repeat(70_000)}"`, "longer than"],
    ["shared starters", `root ::= r0\n${chain.join("\n")}\nr40 ::= "z"`, "too many ways"],
    ["exponential readings", `root ::= r0\n${copies.join("\n")}\nr40 ::= "z"`, "ambiguous"],
    ["readings by recursion", 'root ::= "a" root "b" | "a" root "c" | ""', "ambiguous"],
    [
      "readings by a hidden choice",
      's ::= a s "e" | b s "f" | "."\na ::= "x" "y"*\nb ::= "y"\nroot ::= s',
      "ambiguous",
    ],
    ["paths that meet again", "root ::= ([ ]+)+", "ambiguous"],
    ["paths through a pair", 'root ::= ("  " | " " " ")*', "ambiguous"],
    ["readings behind a loop", 'root ::= "" | "a" [^a]+ root{2} "a"', "ambiguous"],
    ["steady growth", "root ::= [a]{0,900} [a]{0,900}", "ambiguous"],
    ["a bad name", "röot ::= [a]", "line 1, column 2"],
    ["trailing text", 'root ::= "a" )', "not expected"],
  ])("%s", (_, gbnf, reason) => {
    expect(refusalOf(gbnf)).toContain(reason);
  });
});
