// Whether a device has code for all that a model needs: asked once when the model is loaded, so that
// the first request does not find out. ggml's own answer, node by node, without computing anything.

import { ForwardGraph, type ForwardGraphOptions } from "./forward-graph.ts";

/** One token and many are computed by different code. */
const tokenCounts = [1, 64];

/** LociError not_supported names the first operation that the device cannot compute. */
export function checkDevice(options: ForwardGraphOptions): void {
  if (options.backend.device.isHost) return;
  for (const count of tokenCounts) {
    const slice = {
      requestId: "check",
      tokens: new Int32Array(count),
      positionStart: 0,
      blockTable: new Int32Array(count),
      sample: null,
    };
    const shape = { tokens: count, outputs: 1, hidden: options.hiddenLayer !== null };
    new ForwardGraph(options, shape, [slice])[Symbol.dispose]();
  }
}
