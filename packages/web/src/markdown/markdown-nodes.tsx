// A Markdown tree as elements. Nothing of the text is ever read as HTML; images are links, so that
// an answer cannot make the browser fetch anything.

import type { Heading, List, ListItem, Nodes, Parents, Table, TableRow } from "mdast";
import type { ComponentChildren, JSX } from "preact";
import { CodeBlock } from "./code-block.tsx";
import { safeUrl } from "./safe-url.ts";

export interface NodeContext {
  /** Colours code; not while the text still grows. */
  readonly isColoured: boolean;
  /** Link targets by identifier. */
  readonly definitions: ReadonlyMap<string, string>;
  readonly levels: ReadonlyMap<Heading, number>;
  readonly depth: number;
}

const depthMax = 64;
const headingTags = ["h2", "h3", "h4", "h5", "h6"] as const;

export function renderChildren(parent: Parents, context: NodeContext): ComponentChildren {
  const inner = { ...context, depth: context.depth + 1 };
  if (inner.depth > depthMax) return "…";
  return parent.children.map((child, index) => <Node key={index} node={child} context={inner} />);
}

interface NodeProps {
  readonly node: Nodes;
  readonly context: NodeContext;
}

function Node({ node, context }: NodeProps): ComponentChildren {
  return wordNode(node, context) ?? linkNode(node, context) ?? blockNode(node, context) ?? null;
}

/** Undefined: it is of another kind. */
function wordNode(node: Nodes, context: NodeContext): ComponentChildren {
  if (node.type === "text" || node.type === "html") return node.value;
  if (node.type === "emphasis") return <em>{renderChildren(node, context)}</em>;
  if (node.type === "strong") return <strong>{renderChildren(node, context)}</strong>;
  if (node.type === "delete") return <del>{renderChildren(node, context)}</del>;
  if (node.type === "inlineCode") return <code>{node.value}</code>;
  if (node.type === "break") return <br />;
  if (node.type === "footnoteReference") return <sup>{node.label ?? node.identifier}</sup>;
  return undefined;
}

function linkNode(node: Nodes, context: NodeContext): ComponentChildren {
  const target = (identifier: string): string => context.definitions.get(identifier) ?? "";
  if (node.type === "link") {
    return <Link address={node.url}>{renderChildren(node, context)}</Link>;
  }
  if (node.type === "linkReference") {
    return <Link address={target(node.identifier)}>{renderChildren(node, context)}</Link>;
  }
  if (node.type === "image") return <Link address={node.url}>{node.alt || "image"}</Link>;
  if (node.type === "imageReference") {
    return <Link address={target(node.identifier)}>{node.alt || "image"}</Link>;
  }
  return undefined;
}

function blockNode(node: Nodes, context: NodeContext): ComponentChildren {
  if (node.type === "paragraph") return <p>{renderChildren(node, context)}</p>;
  if (node.type === "code") {
    const { value, lang } = node;
    return <CodeBlock text={value} language={lang ?? ""} isColoured={context.isColoured} />;
  }
  if (node.type === "heading") {
    const Tag = headingTags[(context.levels.get(node) ?? 2) - 2] ?? "h6";
    return <Tag>{renderChildren(node, context)}</Tag>;
  }
  if (node.type === "list") return <ListNode list={node} context={context} />;
  if (node.type === "listItem") return <ItemNode item={node} context={context} />;
  if (node.type === "table") return <TableBlock table={node} context={context} />;
  if (node.type === "thematicBreak") return <hr />;
  if (node.type === "blockquote") {
    return <blockquote>{renderChildren(node, context)}</blockquote>;
  }
  if (node.type !== "footnoteDefinition") return undefined;
  return (
    <div class="footnote">
      <sup>{node.label ?? node.identifier}</sup> {renderChildren(node, context)}
    </div>
  );
}

interface ListProps {
  readonly list: List;
  readonly context: NodeContext;
}

function ListNode({ list, context }: ListProps): JSX.Element {
  const items = renderChildren(list, context);
  return list.ordered === true ? <ol start={list.start ?? 1}>{items}</ol> : <ul>{items}</ul>;
}

interface ItemProps {
  readonly item: ListItem;
  readonly context: NodeContext;
}

function ItemNode({ item, context }: ItemProps): JSX.Element {
  const { checked } = item;
  const isTask = typeof checked === "boolean";
  return (
    <li class={isTask ? "task" : undefined}>
      {isTask && (
        <>
          <span aria-hidden="true">{checked ? "☑" : "☐"}</span>
          <span class="visually-hidden">{checked ? "done:" : "open:"}</span>
        </>
      )}
      {tightChildren(item, context)}
    </li>
  );
}

/** An item of one paragraph needs no paragraph. */
function tightChildren(item: ListItem, context: NodeContext): ComponentChildren {
  const [only] = item.children;
  const isTight = item.children.length === 1 && only?.type === "paragraph";
  return renderChildren(isTight ? only : item, context);
}

interface LinkProps {
  readonly address: string;
  readonly children: ComponentChildren;
}

function Link({ address, children }: LinkProps): JSX.Element {
  const url = safeUrl(address);
  if (url === null) return <span title={address}>{children}</span>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer nofollow" title={url}>
      {children}
    </a>
  );
}

interface TableProps {
  readonly table: Table;
  readonly context: NodeContext;
}

function TableBlock({ table, context }: TableProps): JSX.Element {
  const [head, ...rows] = table.children;
  return (
    // Wide tables scroll; the keyboard must reach them.
    <section class="table-scroll" tabIndex={0} aria-label="Table">
      <table>
        {head !== undefined && (
          <thead>
            <Row row={head} table={table} context={context} isHead />
          </thead>
        )}
        <tbody>
          {rows.map((row, index) => (
            <Row key={index} row={row} table={table} context={context} isHead={false} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface RowProps extends TableProps {
  readonly row: TableRow;
  readonly isHead: boolean;
}

function Row({ row, table, context, isHead }: RowProps): JSX.Element {
  return (
    <tr>
      {row.children.map((cell, index) => {
        const side = table.align?.[index] ?? "left";
        const content = renderChildren(cell, context);
        return isHead ? (
          <th key={index} scope="col" class={`align-${side}`}>
            {content}
          </th>
        ) : (
          <td key={index} class={`align-${side}`}>
            {content}
          </td>
        );
      })}
    </tr>
  );
}
