// The worker's end of its supervisor: what it is told at its start, when it has to stop, and that it
// must not outlive its parent. Standard input stays open as long as the parent lives, however the
// parent dies.

import type { Readable, Writable } from "node:stream";
import { LociError } from "@loci/core";
import { LineSplitter } from "../wire/line-splitter.ts";
import { WireError } from "../wire/wire-error.ts";
import { decodeStartOrder, decodeStopOrder, encodeWord, orderBytesMax } from "./orders.ts";
import type { StartOrder } from "./orders.ts";

export interface ParentLink {
  readonly order: StartOrder;
  /** Resolves with the milliseconds that running answers may take, once the parent says stop. */
  readonly stop: Promise<number>;
  /** Resolves when the parent is gone; there is nobody left to work for. */
  readonly gone: Promise<void>;
  /** The worker listens at `url`. */
  readonly tellReady: (url: string) => void;
  /** The worker cannot start, and trying again would not help. */
  readonly tellFailed: (error: LociError) => void;
}

export interface ParentStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** Resolves when the parent has said what to do. Throws config_invalid when nobody does. */
export async function openParentLink({ input, output }: ParentStreams): Promise<ParentLink> {
  const started = Promise.withResolvers<StartOrder>();
  const stop = Promise.withResolvers<number>();
  const gone = Promise.withResolvers<void>();
  const splitter = new LineSplitter(orderBytesMax);
  let isFirst = true;
  const take = (line: string): void => {
    if (!isFirst) stop.resolve(decodeStopOrder(line));
    else started.resolve(decodeStartOrder(line));
    isFirst = false;
  };
  const leave = (): void => {
    started.reject(noParent());
    gone.resolve();
  };
  input.on("data", (chunk: Uint8Array) => {
    try {
      for (const line of splitter.push(chunk)) take(line);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      // A parent that cannot be understood is as good as none.
      leave();
    }
  });
  input.once("end", leave).once("close", leave).once("error", leave);
  // Whoever reads the output may be gone first.
  output.on("error", leave);
  const order = await started.promise;
  return {
    order,
    stop: stop.promise,
    gone: gone.promise,
    tellReady: (url) => void output.write(encodeWord({ kind: "ready", url })),
    tellFailed: (error) => void output.write(encodeWord({ kind: "failed", error })),
  };
}

function noParent(): LociError {
  return new LociError("config_invalid", "A supervised worker was started by nobody.", {
    remedy: "It is started by 'loci serve'.",
  });
}
