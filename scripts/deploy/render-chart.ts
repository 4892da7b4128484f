// Renders our Helm chart without Helm, for the checks: every file of templates/ with given values.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

import { parseTemplate } from "./parse-template.ts";
import type { Expression, Node } from "./parse-template.ts";
import { fieldOf, isTrue, templateFunctions, textOf } from "./template-functions.ts";

type Fields = Readonly<Record<string, unknown>>;

type Block = Extract<Node, { readonly body: unknown }>;

/** `.` and the variables around it. */
interface Scope {
  readonly dot: unknown;
  readonly variables: Map<string, unknown>;
}

/**
 * Texts of the rendered templates by file name.
 * @throws Error for what a chart with such values would fail with, or what is not understood
 */
export function renderChart(folder: string, values: Fields): ReadonlyMap<string, string> {
  const chart = readYaml(join(folder, "Chart.yaml"));
  const root = {
    Values: merged(readYaml(join(folder, "values.yaml")), values),
    Chart: { Name: chart["name"], Version: chart["version"], AppVersion: chart["appVersion"] },
    Release: { Name: "demo", Namespace: "models", Service: "Helm" },
  };
  const renderer = new ChartRenderer();
  const names = readdirSync(join(folder, "templates")).toSorted((a, b) => a.localeCompare(b));
  const nodes = new Map(
    names.map((name) => {
      const text = readFileSync(join(folder, "templates", name), "utf8");
      return [name, parseTemplate(text)] as const;
    }),
  );
  for (const each of nodes.values()) renderer.define(each);
  const files = [...nodes].filter(([name]) => !name.endsWith(".tpl"));
  return new Map(files.map(([name, each]) => [name, renderer.render(each, root)]));
}

class ChartRenderer {
  readonly #templates = new Map<string, readonly Node[]>();

  define(nodes: readonly Node[]): void {
    for (const node of nodes) {
      if (node.kind !== "define" || node.value.kind !== "literal") continue;
      this.#templates.set(textOf(node.value.value), node.body);
    }
  }

  render(nodes: readonly Node[], dot: unknown): string {
    return this.#renderAll(nodes, { dot, variables: new Map([["$", dot]]) });
  }

  #renderAll(nodes: readonly Node[], scope: Scope): string {
    return nodes.map((node) => this.#renderNode(node, scope)).join("");
  }

  #renderNode(node: Node, scope: Scope): string {
    if (node.kind === "text") return node.text;
    const value = this.#evaluate(node.value, scope);
    if (node.kind === "output") return textOf(value);
    if (node.kind === "assign") scope.variables.set(`$${node.variable}`, value);
    if (node.kind === "assign" || node.kind === "define") return "";
    if (node.kind === "range") return this.#renderRange(node, value, scope);
    if (!isTrue(value)) return this.#renderAll(node.otherwise, scope);
    const dot = node.kind === "with" ? value : scope.dot;
    return this.#renderAll(node.body, { ...scope, dot });
  }

  #renderRange(node: Block, value: unknown, scope: Scope): string {
    const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
    const [keyName = "", valueName = ""] = node.variables;
    // Go goes through maps in the order of their keys.
    const sorted = Array.isArray(value)
      ? entries
      : entries.toSorted(([a], [b]) => a.localeCompare(b));
    return sorted
      .map(([key, item]) => {
        const names = [`$${keyName}`, key] as const;
        const variables = new Map([...scope.variables, names, [`$${valueName}`, item] as const]);
        return this.#renderAll(node.body, { dot: item, variables });
      })
      .join("");
  }

  #evaluate(expression: Expression, scope: Scope): unknown {
    if (expression.kind === "literal") return expression.value;
    if (expression.kind === "path") {
      const { variable, fields } = expression;
      const start = variable === "" ? scope.dot : scope.variables.get(variable);
      return fields.reduce<unknown>((value, field) => fieldOf(value, field), start);
    }
    const args = expression.args.map((arg) => this.#evaluate(arg, scope));
    if (expression.name === "include") return this.#include(args);
    const known = templateFunctions[expression.name];
    if (known === undefined) throw new Error(`${expression.name} is no known function`);
    return known(args);
  }

  #include([name, dot]: readonly unknown[]): string {
    const template = this.#templates.get(textOf(name));
    if (template === undefined) throw new Error(`there is no template ${textOf(name)}`);
    return this.render(template, dot);
  }
}

function readYaml(path: string): Fields {
  return asFields(parse(readFileSync(path, "utf8")));
}

function merged(base: Fields, over: Fields): Fields {
  const entries = Object.entries(over).map(([key, value]) => {
    const below = base[key];
    const areBoth = isFields(below) && isFields(value);
    return [key, areBoth ? merged(below, value) : value] as const;
  });
  return { ...base, ...Object.fromEntries(entries) };
}

function asFields(value: unknown): Fields {
  if (isFields(value)) return value;
  throw new Error("not a map");
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
