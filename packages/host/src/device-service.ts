// A service that says what it computes on. The engine knows no device.

import type { ServiceSnapshot } from "@loci/core";
import { LocalService } from "@loci/engine";
import type { LocalServiceParts } from "@loci/engine";

export class DeviceService extends LocalService {
  readonly #device: string;

  constructor(device: string, parts: LocalServiceParts) {
    super(parts);
    this.#device = device;
  }

  override snapshot(): ServiceSnapshot {
    return { ...super.snapshot(), device: this.#device };
  }
}
