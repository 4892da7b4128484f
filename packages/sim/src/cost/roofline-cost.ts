// The cost of a device that is only known from its data sheet: a step takes as long as the slower of
// reading memory and computing, and a little for starting its kernels.
//
//   seconds = max( (weights + cache read and written) / bandwidth, operations / peak ) + launches
//
// Both rates are shares of the peak that tuned kernels are known to reach.

import { assert } from "@loci/core";
import { secondsOfMove } from "./cost-model.ts";
import type { CostModel, MoveWork, StepWork } from "./cost-model.ts";
import type { DeviceShape } from "./devices.ts";
import { kvBytesPerToken, weightBytes } from "./model-shapes.ts";
import type { ModelShape } from "./model-shapes.ts";

export interface RooflineOptions {
  readonly device: DeviceShape;
  readonly model: ModelShape;
  /** Devices that share every layer (tensor parallel); without cost for their talk. */
  readonly deviceCount?: number;
}

/** Shares of the peaks: what large matrix products and streaming reads usually reach. */
const bandwidthShare = 0.8;
const computeShare = 0.6;
/** Kernels of a layer that start one after the other, and what starting one takes. */
const kernelsPerLayer = 10;
const secondsPerKernel = 4e-6;
/** Share of the memory that neither weights nor cache have. */
const reservedShare = 0.1;
const diskBytesPerSecond = 3e9;
const secondsPerMove = 2e-5;

/** Steps cost what a roofline over published figures says. */
export class RooflineCost implements CostModel {
  readonly name: string;
  readonly #weightBytes: number;
  readonly #kvBytes: number;
  readonly #flopsPerToken: number;
  readonly #flopsPerAttended: number;
  readonly #bytesPerSecond: number;
  readonly #flopsPerSecond: number;
  readonly #launchSeconds: number;
  readonly #hostBytesPerSecond: number;

  constructor({ device, model, deviceCount = 1 }: RooflineOptions) {
    assert(deviceCount >= 1, "there is a device");
    this.name = `${model.name} on ${deviceCount > 1 ? `${deviceCount} x ` : ""}${device.name}`;
    this.#weightBytes = weightBytes(model);
    this.#kvBytes = kvBytesPerToken(model);
    this.#flopsPerToken = 2 * model.parameters;
    // Scores and their sum over the values: a multiply-add each.
    this.#flopsPerAttended = 4 * model.layers * model.queryWidth;
    this.#bytesPerSecond = device.memoryBytesPerSecond * bandwidthShare * deviceCount;
    this.#flopsPerSecond = device.flopsPerSecond * computeShare * deviceCount;
    this.#launchSeconds = model.layers * kernelsPerLayer * secondsPerKernel;
    this.#hostBytesPerSecond = device.hostBytesPerSecond * bandwidthShare * deviceCount;
  }

  /** See CostModel. */
  stepSeconds({ tokens, attended, kvTokens }: StepWork): number {
    const bytes = this.#weightBytes + this.#kvBytes * (kvTokens + tokens);
    const flops = this.#flopsPerToken * tokens + this.#flopsPerAttended * attended;
    const busy = Math.max(bytes / this.#bytesPerSecond, flops / this.#flopsPerSecond);
    return busy + this.#launchSeconds;
  }

  /** See CostModel. */
  moveSeconds(work: MoveWork): number {
    const hostBytesPerSecond = this.#hostBytesPerSecond;
    return secondsOfMove(work, { hostBytesPerSecond, diskBytesPerSecond, secondsPerMove });
  }
}

/**
 * Cached tokens for which the devices have memory: what the weights leave of nine tenths of it; the
 * rest is for activations and the allocator, as by vLLM's default.
 */
export function kvTokensOn({ device, model, deviceCount = 1 }: RooflineOptions): number {
  const memory = device.memoryBytes * deviceCount * (1 - reservedShare);
  return Math.max(0, Math.floor((memory - weightBytes(model)) / kvBytesPerToken(model)));
}
