// What an answer cost and how fast it came, in one line.

import type { JSX } from "preact";
import { formatCount, formatSeconds, formatShare } from "../format.ts";
import { hrefOf } from "../routing/route.ts";
import type { AnswerFacts } from "./turn.ts";

export function AnswerFigures({ facts }: { readonly facts: AnswerFacts }): JSX.Element {
  const { promptTokens, cachedTokens, generatedTokens, firstTextMs, tokensPerSecond } = facts;
  const cachedShare = promptTokens === 0 ? 0 : cachedTokens / promptTokens;
  return (
    <p class="figures number">
      <span title={`${promptTokens} tokens read, ${generatedTokens} written`}>
        {formatCount(promptTokens)} → {formatCount(generatedTokens)} tokens
      </span>
      <span title={`${cachedTokens} of ${promptTokens} tokens were remembered`}>
        {formatShare(cachedShare)} cached
      </span>
      {firstTextMs !== null && <span>first after {formatSeconds(firstTextMs / 1000)}</span>}
      {tokensPerSecond !== null && <span>{formatCount(tokensPerSecond)} tokens/s</span>}
      <a href={hrefOf({ view: "explain", id: facts.responseId })}>Explain</a>
    </p>
  );
}
