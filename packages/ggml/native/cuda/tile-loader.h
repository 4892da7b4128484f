// Brings tiles of keys and values from the pool's blocks into shared memory, beside the computation.
// Blocks are found through the table, whose entries are fetched one tile ahead in the same way. Tokens
// behind the walk's end become zeros: what a block holds there may be anything.
#pragma once

#include "tile-shape.h"

namespace loci {

/** The walk of an item over its blocks, for one kv head. */
struct Walk {
    const int32_t * table;
    int blockEnd;    // of the table
    int tokenStart;  // a multiple of 16
    int tokenEnd;
};

template <typename Shape>
class TileLoader {
public:
    LOCI_INLINE TileLoader(const Parameters & parameters, const Walk & walk, int head)
        : parameters(parameters), walk(walk) {
        headStart = parameters.layer + head * parameters.headStride;
        blockTokensMask = int(parameters.blockTokens) - 1;
        for (blockShift = 0; (1 << blockShift) <= blockTokensMask;) blockShift++;
        ids = (int32_t *)(sharedMemory() + Shape::blockIdsAt);
    }

    /** Table entries of tile `index`, there when the copies committed next have arrived. */
    LOCI_INLINE void fetchIds(int index) {
        const int unit = threadIndex();
        if (unit >= Shape::units) return;
        const int entry = (tokenOf(index) + unit * int(unitTokens)) >> blockShift;
        const bool valid = entry < walk.blockEnd;
        copyAsync4(ids + index % 2 * Shape::units + unit, walk.table + (valid ? entry : 0), valid);
    }

    LOCI_INLINE void fetchKeys(int index) { fetch(index, Shape::keyStagesAt, 0); }
    LOCI_INLINE void fetchValues(int index) {
        fetch(index, Shape::valueStagesAt, parameters.valueOffset);
    }

    LOCI_INLINE const uint8_t * keys(int index) {
        if constexpr (Shape::quantized) return widen(index, Shape::keyStagesAt, Shape::keyRowsAt);
        return sharedMemory() + Shape::keyStagesAt + index % 2 * Shape::stageBytes;
    }
    LOCI_INLINE const uint8_t * values(int index) {
        if constexpr (Shape::quantized) return widen(index, Shape::valueStagesAt, Shape::valueRowsAt);
        return sharedMemory() + Shape::valueStagesAt + index % 2 * Shape::stageBytes;
    }

    LOCI_INLINE int tokenOf(int index) const { return walk.tokenStart + index * Shape::tileTokens; }

private:
    const Parameters & parameters;
    const Walk & walk;
    const uint8_t * headStart;
    int32_t * ids;
    int blockTokensMask, blockShift;

    /** The part of the block that holds unit `unit` of the tile; null when the table is corrupt. */
    LOCI_INLINE const uint8_t * blockOf(int index, int unit, int64_t partOffset) const {
        const int id = ids[index % 2 * Shape::units + unit];
        if (id < 0 || id >= parameters.blockCount) return nullptr;
        return headStart + id * parameters.blockStride + partOffset;
    }

    LOCI_INLINE void fetch(int index, int stagesAt, int64_t partOffset) {
        uint8_t * const stage = sharedMemory() + stagesAt + index % 2 * Shape::stageBytes;
        constexpr int rowBytes = Shape::quantized ? Shape::headSize : Shape::headSize * 2;
        constexpr int targetBytes = Shape::quantized ? Shape::headSize : Shape::rowBytes;
        constexpr int chunks = rowBytes / 16;
        const int tokenStart = tokenOf(index);
        LOCI_UNROLL_TWICE  // more would take registers that the outputs need
        for (int i = 0; i < Shape::tileTokens * chunks; i += Shape::threads) {
            const int at = i + threadIndex();
            if (Shape::tileTokens * chunks % Shape::threads != 0 && at >= Shape::tileTokens * chunks) break;
            const int row = at / chunks, chunk = at % chunks, token = tokenStart + row;
            const uint8_t * block = nullptr;
            if (token < walk.tokenEnd) {
                block = blockOf(index, row / int(unitTokens), partOffset);
                if (block == nullptr) report(parameters, Failure::block);
            }
            copyOrBlank(stage + row * targetBytes + chunk * 16, block,
                        (token & blockTokensMask) * rowBytes + chunk * 16);
        }
        if constexpr (Shape::quantized) fetchScales(index, stage, partOffset);
    }

    /** The scales of a unit lie together. Those behind the walk's end belong to zeros. */
    LOCI_INLINE void fetchScales(int index, uint8_t * stage, int64_t partOffset) {
        constexpr int unitBytes = int(unitTokens) * Shape::groups * 2, chunks = unitBytes / 16;
        const int64_t scalesAt = partOffset + Shape::headSize * parameters.blockTokens;
        for (int at = threadIndex(); at < Shape::units * chunks; at += Shape::threads) {
            const int unit = at / chunks, token = tokenOf(index) + unit * int(unitTokens);
            const uint8_t * block = token < walk.tokenEnd ? blockOf(index, unit, scalesAt) : nullptr;
            copyOrBlank(stage + Shape::tileTokens * Shape::headSize + at * 16, block,
                        (token & blockTokensMask) * Shape::groups * 2 + at % chunks * 16);
        }
    }

    LOCI_INLINE void copyOrBlank(uint8_t * target, const uint8_t * block, int offset) {
        const bool valid = block != nullptr;
        copyAsync16(target, valid ? block + offset : headStart, valid);
    }

    /** Bytes times scales, as rows of f16. All threads take part; ends in a barrier. */
    LOCI_INLINE const uint8_t * widen(int index, int stagesAt, int rowsAt) {
        const uint8_t * const stage = sharedMemory() + stagesAt + index % 2 * Shape::stageBytes;
        const uint16_t * const scales =
            (const uint16_t *)(stage + Shape::tileTokens * Shape::headSize);
        uint8_t * const rows = sharedMemory() + rowsAt;
        const int end = walk.tokenEnd - tokenOf(index);
        constexpr int chunks = Shape::headSize / 8;
        for (int at = threadIndex(); at < Shape::tileTokens * chunks; at += Shape::threads) {
            const int row = at / chunks, dim = at % chunks * 8;
            const float scale =
                row < end ? halfToFloat(scales[row * Shape::groups + dim / int(scaleDims)]) : 0.0f;
            union {
                uint64_t bytes;
                int8_t values[8];
            } packed = {*(const uint64_t *)(stage + row * Shape::headSize + dim)};
            uint32_t * const target = (uint32_t *)(rows + row * Shape::rowBytes + dim * 2);
            LOCI_UNROLL
            for (int pair = 0; pair < 4; pair++) {
                target[pair] =
                    packHalves(packed.values[pair * 2] * scale, packed.values[pair * 2 + 1] * scale);
            }
        }
        syncBlock();
        return rows;
    }
};

}  // namespace loci
