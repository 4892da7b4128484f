// Native memory as bytes, without a copy. Valid as long as the memory is.

import koffi from "koffi";
import type { Pointer } from "../pointer.ts";

export function memoryView(address: Pointer, bytes: number): Uint8Array {
  return new Uint8Array(koffi.view(address, bytes));
}
