// Gates between restores and steps: how a step waits for blocks that still arrive, layer by layer.
// The words are int32s that TypeScript owns (src/transfer/restore-gates.ts has the same picture and
// must change with this file):
//
//   [gate]             layers arrived
//   [gatesMax + gate]  1 when the restore failed: the gate stands open, what is behind it is wrong
//   [gatesMax · 2]     moves on with everything any restore does
//   [gatesMax · 2 + 1] milliseconds without a move after which a waiting step gives up
#pragma once

#include <cstdint>

namespace loci {

constexpr int32_t gatesMax = 32;
constexpr int32_t layersOpen = INT32_MAX;

/**
 * Returns once more than `layer` layers have arrived at the gate. A gate behind which nothing moves
 * any more is opened as failed, so the wait is bounded and the step that waits is thrown away.
 */
void awaitGate(int32_t * gates, int32_t gate, int32_t layer);

/** Publishes what was written to memory before as the first `layers` layers. */
void advanceGate(int32_t * gates, int32_t gate, int32_t layers);

/** Opens the gate for good: what it was to bring is not there. */
void failGate(int32_t * gates, int32_t gate);

/** Says that some restore moves on. */
void beatGates(int32_t * gates);

}  // namespace loci
