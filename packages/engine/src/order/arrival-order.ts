// First come, first served; and S³'s largest prediction first (decreasing first fit, digest 2.3).

import type { EngineRequest } from "../request.ts";
import type { WaitingOrder } from "./waiting-order.ts";

export class ArrivalOrder implements WaitingOrder {
  arrange(waiting: readonly EngineRequest[], countMax: number): readonly EngineRequest[] {
    if (!waiting.some(isContinued)) return waiting.slice(0, countMax);
    const beginning = waiting.filter((request) => !isContinued(request));
    return [...waiting.filter(isContinued), ...beginning].slice(0, countMax);
  }

  arrived(): void {}
  returned(): void {}
  started(): void {}
  ended(): void {}
  checkIntegrity(): void {}
}

/** The request that needs most memory by its prediction comes first; smaller ones fill the gaps. */
export class LargestFirstOrder extends ArrivalOrder implements WaitingOrder {
  override arrange(waiting: readonly EngineRequest[], countMax: number): readonly EngineRequest[] {
    const sized = waiting.map((request) => ({ request, tokens: tokensOf(request) }));
    sized.sort((one, other) => other.tokens - one.tokens);
    return sized.slice(0, countMax).map(({ request }) => request);
  }
}

function isContinued({ delivered }: EngineRequest): boolean {
  return delivered > 0;
}

function tokensOf({ promptLength, forecast }: EngineRequest): number {
  return promptLength + Math.max(forecast.reserved, forecast.quantileAtFirst(1));
}
