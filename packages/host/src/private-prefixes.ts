// A service without prefix caching: every request is its own tenant, so that none finds another's
// blocks. The engine needs no second way of working for it.

import type {
  GenerationEvent,
  GenerationRequest,
  GenerationService,
  ServiceSnapshot,
} from "@loci/core";

export class PrivatePrefixes implements GenerationService {
  readonly #service: GenerationService;

  constructor(service: GenerationService) {
    this.#service = service;
  }

  generate(request: GenerationRequest, signal: AbortSignal): AsyncIterable<GenerationEvent> {
    return this.#service.generate({ ...request, tenant: `request:${request.id}` }, signal);
  }

  snapshot(): ServiceSnapshot {
    return this.#service.snapshot();
  }
}
