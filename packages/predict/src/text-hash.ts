// Short keys for long names and prefixes: 32-bit hashes, for classes of statistics only.

function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return finish(hash);
}

let lastName = "";
let lastHash = hashOf(lastName);
let lastKey = String(lastHash);

/** Of a name, whatever its length. A request's tenant is asked for several times in a row. */
export function nameHash(name: string): number {
  remember(name);
  return lastHash;
}

/** The same as a key. */
export function nameKey(name: string): string {
  remember(name);
  return lastKey;
}

function remember(name: string): void {
  if (name === lastName) return;
  lastName = name;
  lastHash = hashOf(name);
  lastKey = String(lastHash);
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
