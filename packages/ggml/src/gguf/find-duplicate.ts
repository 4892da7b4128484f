// Finds two equal texts among hundreds of thousands. A Set would do, at several times the time
// and memory: this is an open-addressing table of indexes, sized once, over 32-bit FNV-1a hashes.

/** Indexes of the first text that repeats an earlier one, and of that one; null when all differ. */
export function findDuplicate(
  texts: readonly string[],
): { readonly first: number; readonly again: number } | null {
  const slots = 2 ** Math.ceil(Math.log2(texts.length * 2 + 2));
  const table = new Int32Array(slots).fill(-1);
  const hashes = new Int32Array(texts.length);
  for (let index = 0; index < texts.length; index++) {
    const text = texts[index] ?? "";
    const hash = hashOf(text);
    hashes[index] = hash;
    let slot = hash & (slots - 1);
    for (;;) {
      const other = table[slot] ?? -1;
      if (other < 0) break;
      if (hashes[other] === hash && texts[other] === text) return { first: other, again: index };
      slot = (slot + 1) & (slots - 1);
    }
    table[slot] = index;
  }
  return null;
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    // oxlint-disable-next-line unicorn/prefer-code-point -- units are compared, and faster to read
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash ^ (hash >>> 15);
}
