// Short keys for long names and prefixes: 32-bit hashes, for classes of statistics only.

/** Of a name, whatever its length. */
function nameHash(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return finish(hash);
}

let lastName = "";
let lastKey = String(nameHash(lastName));

/** `nameHash` as a key. A request's tenant is asked for several times, one after the other. */
export function nameKey(name: string): string {
  if (name !== lastName) {
    lastName = name;
    lastKey = String(nameHash(name));
  }
  return lastKey;
}

/** Of the first `count` tokens. */
export function prefixHash(tokens: Int32Array, count: number): number {
  let hash = 0x2f0b4a27;
  for (let i = 0; i < count; i++)
    hash = Math.imul(hash ^ (tokens[i] ?? 0), 0x5bd1e995) ^ (hash >>> 15);
  return finish(hash);
}

function finish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
