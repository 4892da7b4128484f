// Prompts, as the names of their blocks, in a tree: what several begin with is one edge. A prompt that
// goes is told in one walk from which block on nobody else has it, however many there are.
//
//   root ─[1 2]─┬─[3 4]     an edge has the names that all its prompts have in common there, and the
//               └─[5]       number of these prompts; it ends where they part, or where one ends

import { assert, defined } from "@loci/core";

interface Edge {
  /** Its names are `names[start, end)`: of the newest prompt on it, which is most likely to stay. */
  names: Float64Array;
  start: number;
  end: number;
  prompts: number;
  /** By first name; null: none. */
  edges: Map<number, Edge> | null;
}

export class PromptTree {
  readonly #edges = new Map<number, Edge>();
  #prompts = 0;

  get promptCount(): number {
    return this.#prompts;
  }

  /** `names` is kept, and must not change. */
  add(names: Float64Array): void {
    this.#prompts++;
    let edges = this.#edges;
    for (let at = 0; at < names.length;) {
      const edge = edges.get(defined(names[at]));
      if (edge === undefined) {
        edges.set(defined(names[at]), newEdge(names, at, names.length, 1));
        return;
      }
      const common = commonEnd(edge, names);
      if (common < edge.end) split(edge, common);
      edge.names = names;
      edge.prompts++;
      at = common;
      edges = edge.edges ??= new Map();
    }
  }

  /** One prompt of these names goes. Returns the index from which on no other prompt has them. */
  remove(names: Float64Array): number {
    assert(this.#prompts > 0, "there is a prompt to remove");
    this.#prompts--;
    let edges = this.#edges;
    for (let at = 0; at < names.length;) {
      const first = defined(names[at]);
      const edge = edges.get(first);
      assert(edge !== undefined && edge.end <= names.length, "the prompt is in the tree");
      edge.prompts--;
      if (edge.prompts === 0) {
        edges.delete(first);
        return at;
      }
      at = edge.end;
      edges = edge.edges ?? new Map();
    }
    return names.length;
  }

  checkIntegrity(): void {
    const counted = checkEdges(this.#edges, 0);
    assert(counted <= this.#prompts, "every prompt on an edge is counted");
  }
}

function newEdge(names: Float64Array, start: number, end: number, prompts: number): Edge {
  return { names, start, end, prompts, edges: null };
}

/** The index after the last name that a prompt has in common with an edge that begins alike. */
function commonEnd(edge: Edge, names: Float64Array): number {
  const end = Math.min(edge.end, names.length);
  let at = edge.start + 1;
  while (at < end && edge.names[at] === names[at]) at++;
  return at;
}

/** The edge ends at `at`, and what was after it is an edge below it. */
function split(edge: Edge, at: number): void {
  const rest = newEdge(edge.names, at, edge.end, edge.prompts);
  rest.edges = edge.edges;
  edge.end = at;
  edge.edges = new Map([[defined(edge.names[at]), rest]]);
}

/** Prompts on edges that begin at `start`. */
function checkEdges(edges: ReadonlyMap<number, Edge>, start: number): number {
  let prompts = 0;
  for (const edge of edges.values()) {
    assert(edges.get(defined(edge.names[start])) === edge, "an edge is found by its first name");
    assert(edge.start === start && edge.end > start, "an edge begins where another ended");
    const below = edge.edges === null ? 0 : checkEdges(edge.edges, edge.end);
    assert(edge.prompts >= 1 && below <= edge.prompts, "prompts below are among those above");
    prompts += edge.prompts;
  }
  return prompts;
}
