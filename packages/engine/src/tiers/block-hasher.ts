// Names for blocks outside this process. The pure engine compares tokens in full and needs no hash;
// a durable tier does, to tell after a restart whose block it holds. The shell brings a
// cryptographic hash; what is here serves tests and simulations.

/** Makes the keys of `BlockIdentity`; equal inputs give equal keys on every machine. */
export interface BlockHasher {
  tenantKey(tenant: string): string;
  blockKey(parentKey: string, tokens: Int32Array): string;
}

/** Not cryptographic: for simulated worlds, where nobody forges blocks. */
export const plainHasher: BlockHasher = {
  tenantKey: (tenant) => hex(mixText(0x811c9dc5, tenant)),
  blockKey: (parentKey, tokens) => {
    let [low, high] = [mixText(0x811c9dc5, parentKey), mixText(0x01000193, parentKey)];
    for (const token of tokens) {
      low = mix(low, token);
      high = mix(high, ~token);
    }
    return hex(low, high);
  },
};

function mixText(seed: number, text: string): number {
  let hash = seed;
  for (let index = 0; index < text.length; index++) hash = mix(hash, text.charCodeAt(index));
  return hash;
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** 32 digits. */
function hex(...words: readonly number[]): string {
  const text = words.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  return text.repeat(4 / words.length);
}
