// Grammars reach native code only through this check. llama.cpp's grammar code prints and gives
// up on some mistakes, but recurses without bound on others, loops on left recursion that hides
// behind a rule which can be empty, and copies one stack per way to read a text, of which a small
// ambiguous grammar can have exponentially many. What passes here can do none of that.
import { LociError } from "@loci/core";
import { checkAmbiguity } from "./gbnf-ambiguity.ts";
import { gbnfLimits } from "./gbnf-limits.ts";
import { GbnfError, parseGrammar, type GbnfElement, type ParsedGrammar } from "./gbnf-parser.ts";

/**
 * Throws LociError invalid_request, with line and column, unless `gbnf` is a grammar that
 * llama.cpp can be given: well-formed, complete, finite, without left recursion, bounded.
 */
export function checkGrammar(gbnf: string, textUnitsMax: number = gbnfLimits.textUnitsMax): void {
  if (gbnf.length > textUnitsMax) throw refusal(`it is longer than ${textUnitsMax} characters`);
  try {
    checkText(gbnf);
    const grammar = parseGrammar(gbnf);
    checkRules(grammar);
    checkAmbiguity(grammar);
  } catch (error) {
    if (error instanceof GbnfError) throw refusal(error.message, placeOf(gbnf, error.offset));
    throw error;
  }
}

function refusal(reason: string, place?: string): LociError {
  const where = place === undefined ? "" : ` at ${place}`;
  return new LociError("invalid_request", `The grammar is not accepted${where}: ${reason}.`, {
    param: "grammar",
  });
}

function placeOf(text: string, offset: number): string {
  const lines = text.slice(0, offset).split("\n");
  return `line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`;
}

function checkText(gbnf: string): void {
  const zero = gbnf.indexOf("\0");
  if (zero >= 0) throw new GbnfError("the text holds the character 0", zero);
  if (!gbnf.isWellFormed()) throw new GbnfError("the text holds half a surrogate pair", 0);
}

function checkRules(grammar: ParsedGrammar): void {
  const nullable = rulesThatMay(grammar, (element, known) =>
    element.kind === "rule" ? known.has(element.rule) : false,
  );
  const starters = grammar.rules.map(({ alternatives }) =>
    alternatives.flatMap((sequence) => startersOf(sequence, nullable)),
  );
  const order = checkLeftRecursion(grammar, starters);
  checkSearchCost(grammar, starters, order);
  const productive = rulesThatMay(grammar, (element, known) =>
    element.kind === "rule" ? known.has(element.rule) : true,
  );
  if (!productive.has(grammar.root)) throw new GbnfError("no finite text matches it", 0);
}

/**
 * Rules with an alternative whose elements all pass `test`, which is asked again for the rules
 * that refer to a newly found one until nothing changes.
 */
function rulesThatMay(
  grammar: ParsedGrammar,
  test: (element: GbnfElement, known: ReadonlySet<number>) => boolean,
): ReadonlySet<number> {
  const users = grammar.rules.map((): number[] => []);
  for (const [rule, { alternatives }] of grammar.rules.entries()) {
    for (const element of alternatives.flat()) {
      if (element.kind === "rule") users[element.rule]?.push(rule);
    }
  }
  const known = new Set<number>();
  const todo = [...grammar.rules.keys()];
  for (let rule = todo.pop(); rule !== undefined; rule = todo.pop()) {
    if (known.has(rule)) continue;
    const alternatives = grammar.rules[rule]?.alternatives ?? [];
    if (!alternatives.some((sequence) => sequence.every((each) => test(each, known)))) continue;
    known.add(rule);
    todo.push(...(users[rule] ?? []));
  }
  return known;
}

/** The rules that a sequence may start with. */
function startersOf(sequence: readonly GbnfElement[], nullable: ReadonlySet<number>): number[] {
  const starters: number[] = [];
  for (const element of sequence) {
    if (element.kind !== "rule") break;
    starters.push(element.rule);
    if (!nullable.has(element.rule)) break;
  }
  return starters;
}

/** Refuses rules that start with themselves; returns the rules with starters before users. */
function checkLeftRecursion(
  grammar: ParsedGrammar,
  starters: readonly (readonly number[])[],
): readonly number[] {
  const finished = new Set<number>();
  const open = new Set<number>();
  const order: number[] = [];
  for (const first of grammar.rules.keys()) {
    const path = [{ rule: first, next: 0 }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      open.add(top.rule);
      const starter = finished.has(top.rule) ? undefined : starters[top.rule]?.[top.next++];
      if (starter === undefined) {
        if (!finished.has(top.rule)) order.push(top.rule);
        finished.add(top.rule);
        open.delete(top.rule);
        path.pop();
      } else if (open.has(starter)) {
        const name = grammar.rules[starter]?.name ?? "";
        throw new GbnfError(
          `the rule "${name}" may start with itself, or repeats something that can be empty`,
          0,
        );
      } else if (!finished.has(starter)) {
        path.push({ rule: starter, next: 0 });
      }
    }
  }
  return order;
}

/** llama.cpp walks from rules to their starters, and on to theirs, without remembering. */
function checkSearchCost(
  grammar: ParsedGrammar,
  starters: readonly (readonly number[])[],
  order: readonly number[],
): void {
  const steps = new Map<number, number>();
  const depths = new Map<number, number>();
  let total = 0;
  for (const rule of order) {
    const own = grammar.rules[rule]?.alternatives ?? [];
    let sum = own.reduce((size, sequence) => size + sequence.length + 1, 0);
    let depth = 1;
    for (const starter of starters[rule] ?? []) {
      sum += steps.get(starter) ?? 0;
      depth = Math.max(depth, 1 + (depths.get(starter) ?? 0));
    }
    steps.set(rule, sum);
    depths.set(rule, depth);
    total += sum;
    if (total > gbnfLimits.leftmostStepsMax || depth > gbnfLimits.leftmostDepthMax) {
      throw new GbnfError("rules start with each other in too many ways", 0);
    }
  }
}
