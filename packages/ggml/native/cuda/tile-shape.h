// Sizes of a kernel's tile, and where its parts lie in shared memory.
//
// A kernel handles up to `rowsMax` query rows against `tileTokens` cached tokens at a time. In wide
// kernels (prefill) each warp has rows of its own and walks all tokens; in narrow ones (decode) all warps
// have the same 16 rows, and each its own 16 tokens of every tile.
#pragma once

#include "plan-view.h"

namespace loci {

/** Bytes by which a row in shared memory is longer, so that eight rows lie in different banks. */
constexpr int rowPadding = 16;

template <int headSizeOf, KvType typeOf, int rowsOf>
struct TileShape {
    static constexpr int headSize = headSizeOf;
    static constexpr KvType type = typeOf;
    static constexpr int rowsMax = rowsOf;
    static constexpr bool narrow = rowsOf == 16;
    static constexpr int tileTokens = headSize <= 128 ? 64 : 32;
    static constexpr int warps = narrow ? tileTokens / unitTokens : 4;
    static constexpr int threads = warps * warpLanes;
    static constexpr int units = tileTokens / unitTokens;

    /** Of one warp: blocks of 16 rows, first token within the tile, tokens. */
    static constexpr int rowBlocks = narrow ? 1 : rowsOf / 16 / warps;
    static constexpr int warpTokens = narrow ? unitTokens : tileTokens;

    static constexpr int rowBytes = headSize * 2 + rowPadding;
    static constexpr int tileBytes = tileTokens * rowBytes;
    static constexpr int groups = int(scaleGroups(headSize));
    static constexpr bool quantized = typeOf == KvType::q8_0;
    /** What is copied: rows as they are multiplied, or bytes and scales that become such rows. */
    static constexpr int stageBytes =
        quantized ? tileTokens * (headSize + groups * 2) : tileBytes;

    static constexpr int queriesAt = 0;
    static constexpr int keyStagesAt = queriesAt + rowsMax * rowBytes;
    static constexpr int valueStagesAt = keyStagesAt + 2 * stageBytes;
    static constexpr int keyRowsAt = quantized ? valueStagesAt + 2 * stageBytes : keyStagesAt;
    static constexpr int valueRowsAt = quantized ? keyRowsAt + tileBytes : valueStagesAt;
    static constexpr int tilesEnd =
        quantized ? valueRowsAt + tileBytes : valueStagesAt + 2 * stageBytes;
    static constexpr int blockIdsAt = tilesEnd;                      // [2][units]
    static constexpr int rowTargetsAt = blockIdsAt + 2 * units * 4;  // [rowsMax], 8 bytes each
    static constexpr int positionsAt = rowTargetsAt + rowsMax * 8;   // [rowsMax]
    static constexpr int sharedBytes = positionsAt + rowsMax * 4;

    /** Narrow kernels join their warps' outputs where the tiles were. */
    static constexpr int joinedAt = keyStagesAt;  // [warp][16][head size] of f32
    static constexpr int warpStatesAt = joinedAt + warps * 16 * headSize * 4;  // [warp][16][2]
    static_assert(!narrow || warpStatesAt + warps * 16 * 8 <= tilesEnd, "warps join within the tiles");
    static_assert(headSize % 16 == 0 && stageBytes % 16 == 0, "whole copies of 16 bytes");
};

}  // namespace loci
