// One number for a whole run: a hash over everything that happened, in order. Two runs with the same
// digest decided the same at the same times.

const floats = new Float64Array(1);
const words = new Uint32Array(floats.buffer);

export class EventDigest {
  #high = 0x243f6a88;
  #low = 0x85a308d3;

  /** Takes in a whole number of at most 32 bits. */
  add(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x9e3779b1);
    this.#high = (this.#high << 13) | (this.#high >>> 19);
    this.#low = Math.imul(this.#low + (value ^ this.#high), 0x85ebca6b);
    this.#low ^= this.#low >>> 15;
  }

  /** Takes in any number, every bit of it. */
  addNumber(value: number): void {
    floats[0] = value;
    this.add(words[0] ?? 0);
    this.add(words[1] ?? 0);
  }

  addText(text: string): void {
    this.add(text.length);
    for (let index = 0; index < text.length; index++) this.add(text.charCodeAt(index));
  }

  /** 16 hex digits. */
  get value(): string {
    return hex(this.#high) + hex(this.#low);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
