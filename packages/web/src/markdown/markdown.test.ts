import * as fc from "fast-check";
import type { ComponentChildren, VNode } from "preact";
import { describe, expect, test } from "vitest";
import { headingLevels } from "./heading-levels.ts";
import { highlight } from "./highlight.ts";
import { renderChildren, type NodeContext } from "./markdown-nodes.tsx";
import { markdownCharsMax, parseMarkdown } from "./parse-markdown.ts";
import { safeUrl } from "./safe-url.ts";

interface Shown {
  readonly tags: readonly string[];
  readonly links: readonly string[];
  readonly text: string;
}

/** What an element tree would show, without a browser. */
function shown(text: string): Shown {
  const root = parseMarkdown(text);
  if (root === null) return { tags: ["plain"], links: [], text };
  const tags: string[] = [];
  const links: string[] = [];
  const words: string[] = [];
  const visit = (node: ComponentChildren): void => {
    if (typeof node === "string" || typeof node === "number") words.push(String(node));
    else if (Array.isArray(node)) for (const child of node) visit(child);
    else if (isElement(node)) {
      if (typeof node.type === "string") {
        tags.push(node.type);
        if (node.type === "a") links.push(String(node.props["href"]));
        visit(node.props.children);
      } else if (node.type.name === "CodeBlock") {
        tags.push("pre");
        words.push(String(node.props["text"]));
      } else {
        const component: unknown = node.type;
        if (typeof component === "function") visit(component(node.props));
      }
    }
  };
  const context: NodeContext = {
    isColoured: false,
    definitions: new Map(),
    levels: headingLevels(root),
    depth: 0,
  };
  visit(renderChildren(root, context));
  return { tags, links, text: words.join("") };
}

type AnyElement = VNode<{
  readonly [name: string]: unknown;
  readonly children?: ComponentChildren;
}>;

function isElement(node: unknown): node is AnyElement {
  return typeof node === "object" && node !== null && "type" in node && "props" in node;
}

describe("Markdown as elements", () => {
  test("the usual parts become their elements", () => {
    const { tags } = shown(
      "# T\n\n## U\n\na **b** _c_ ~~d~~ `e`\n\n- x\n\n1. y\n\n> q\n\n---\n\n```js\n1\n```\n\n| a |\n|-|\n| b |",
    );
    for (const tag of [
      "h3",
      "p",
      "strong",
      "em",
      "del",
      "code",
      "ul",
      "ol",
      "li",
      "blockquote",
      "hr",
      "pre",
      "table",
      "th",
      "td",
    ]) {
      expect(tags).toContain(tag);
    }
  });

  test("HTML is text, images are links, and only the web and mail are linked to", () => {
    const text =
      "<script>alert(1)</script>\n\n<b>x</b> ![p](https://a.example/p.png) [j](javascript:alert(1)) [d](data:text/html,x) [r](/x) [m](mailto:a@b.example)";
    const { tags, links, text: words } = shown(text);
    expect(tags).not.toContain("script");
    expect(tags).not.toContain("img");
    expect(tags).not.toContain("b");
    expect(words).toContain("<script>alert(1)</script>");
    expect(links).toEqual(["https://a.example/p.png", "mailto:a@b.example"]);
  });

  test("whatever is written, only known elements and safe links come out", () => {
    const allowed = new Set([
      "a",
      "b",
      "blockquote",
      "br",
      "code",
      "del",
      "div",
      "em",
      "h2",
      "h3",
      "h4",
      "h5",
      "h6",
      "hr",
      "li",
      "ol",
      "p",
      "plain",
      "pre",
      "section",
      "span",
      "strong",
      "sup",
      "table",
      "tbody",
      "td",
      "th",
      "thead",
      "tr",
      "ul",
    ]);
    const piece = fc.oneof(
      fc.constantFrom(
        "# ",
        "* ",
        "> ",
        "1. ",
        "```",
        "`",
        "**",
        "_",
        "~~",
        "[a](javascript:x)",
        "[b]: data:x\n",
        "[b]",
        "<img src=x onerror=y>",
        "<a href='javascript:z'>",
        "| a | b |\n|-|-|\n",
        "\n",
        "\n\n",
        "- [x] ",
        "[^1]",
        "[^1]: n\n",
        "http://e.example/?<>",
        "![i](x)",
        "    ",
      ),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const { tags, links } = shown(pieces.join(""));
        for (const tag of tags) expect(allowed).toContain(tag);
        for (const link of links) expect(link).toMatch(/^(https?|mailto):/);
      }),
      { numRuns: 400, seed: 8 },
    );
  });

  test("what would take too long stays plain", () => {
    expect(parseMarkdown("x".repeat(markdownCharsMax + 1))).toBeNull();
    expect(parseMarkdown(">".repeat(10_000))).toBeNull();
    expect(parseMarkdown("- ".repeat(5000))).toBeNull();
    for (const marks of ["[", "*a_ ", "![[]()"])
      expect(parseMarkdown(marks.repeat(2000))).toBeNull();
    expect(shown("[".repeat(1000)).text).toContain("[[[");
    expect(shown("*a_ ".repeat(500)).text).toContain("*a_");
  });
});

const headings = (text: string): readonly string[] =>
  shown(text).tags.filter((tag) => /^h\d/.test(tag));

test("headings go down one level at a time", () => {
  expect(headings("### a\n\n# b\n\n### c\n\n### d\n\n> ###### e\n\n# f")).toEqual([
    "h2",
    "h2",
    "h3",
    "h3",
    "h4",
    "h2",
  ]);
  expect(headings("# a\n## b\n### c\n#### d\n##### e\n###### f")).toEqual([
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "h6",
  ]);
});

test("addresses", () => {
  expect(safeUrl("https://a.example/b?c#d")).toBe("https://a.example/b?c#d");
  for (const bad of [
    "javascript:alert(1)",
    " javascript:x",
    "JaVaScRiPt:x",
    "vbscript:x",
    "data:x",
    "file:///etc",
    "//a",
    "",
    "x".repeat(3000),
  ]) {
    expect(safeUrl(bad)).toBeNull();
  }
});

test("languages are known by the names that people use", () => {
  for (const name of [
    "js",
    "TypeScript",
    "py",
    "sh",
    "html",
    "c++",
    "json",
    "sql",
    "rs",
    "go",
    "yaml",
    "diff",
    "css",
    "java",
  ]) {
    expect(highlight("a", name)?.type).toBe("root");
  }
  expect(highlight("a", "klingon")).toBeNull();
});
