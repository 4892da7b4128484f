// Which tiles read the same leading blocks. Requests that grew from one prompt form a tree of
// shared blocks; each run of blocks with the same set of readers becomes one range, so that the
// kernel reads it once for all of them (cascade attention).

import { assert } from "@loci/core";

/** One reader: its table, and how many leading blocks it sees in full. */
export interface BlockReader {
  readonly blockTable: Int32Array;
  readonly blocksWhole: number;
}

/** Blocks [blockStart, blockEnd) at these places of the tables of all `readers` are the same. */
export interface SharedRange {
  /** Indices into the readers. */
  readonly readers: readonly number[];
  readonly blockStart: number;
  readonly blockEnd: number;
}

/** Depth of sharing that is followed; what lies deeper is read by each tile alone. */
const depthMax = 8;

/**
 * Ranges of at least `blocksMin` blocks that two or more readers share, outer ranges first.
 * The ranges of one reader follow each other without a gap from block 0.
 */
export function findSharedRanges(
  readers: readonly BlockReader[],
  blocksMin: number,
): readonly SharedRange[] {
  assert(blocksMin >= 1, "a range holds a block");
  const ranges: SharedRange[] = [];
  const all = readers.map((_, index) => index);
  descend(readers, { members: all, depth: 0, level: 0 }, { blocksMin, ranges });
  return ranges;
}

interface Node {
  readonly members: readonly number[];
  /** Blocks before this one are shared by all members. */
  readonly depth: number;
  readonly level: number;
}

interface Search {
  readonly blocksMin: number;
  readonly ranges: SharedRange[];
}

function descend(readers: readonly BlockReader[], node: Node, search: Search): void {
  for (const members of byBlock(readers, node)) {
    const end = commonEnd(readers, members, node.depth);
    if (end - node.depth < search.blocksMin) continue;
    search.ranges.push({ readers: members, blockStart: node.depth, blockEnd: end });
    if (node.level + 1 < depthMax) {
      descend(readers, { members, depth: end, level: node.level + 1 }, search);
    }
  }
}

/** Members grouped by their block at `depth`; groups of one are left out. */
function byBlock(readers: readonly BlockReader[], node: Node): number[][] {
  const groups = new Map<number, number[]>();
  for (const member of node.members) {
    const reader = readers[member];
    const block = reader?.blockTable[node.depth];
    if (reader === undefined || block === undefined || node.depth >= reader.blocksWhole) continue;
    const group = groups.get(block);
    if (group) group.push(member);
    else groups.set(block, [member]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

function commonEnd(
  readers: readonly BlockReader[],
  members: readonly number[],
  from: number,
): number {
  const first = readers[members[0] ?? -1];
  assert(first !== undefined, "a group has members");
  let end = first.blocksWhole;
  for (const member of members) {
    const reader = readers[member];
    assert(reader !== undefined, "members are readers");
    end = Math.min(end, reader.blocksWhole);
    let depth = from;
    while (depth < end && reader.blockTable[depth] === first.blockTable[depth]) depth++;
    end = depth;
  }
  return end;
}
