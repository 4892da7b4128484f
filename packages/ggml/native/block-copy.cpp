// Copying blocks within the pool: the first tokens of a block that a new sequence shares in part.
// A whole block is one copy; of a part, only the units of keys and the rows of values that hold
// the wanted tokens are touched (the last unit of keys is copied whole: what lies beyond the
// wanted tokens is overwritten before any query sees it).

#include <cstring>

#include "exports.h"
#include "kv-format.h"

namespace loci {
namespace {

struct Part {
    KvType type;
    int64_t headSize, blockTokens;

    int64_t elementBytes() const {
        return type == KvType::f32 ? 4 : type == KvType::f16 ? 2 : 1;
    }

    void copyFirst(const uint8_t * source, uint8_t * target, int64_t tokens) const {
        std::memcpy(target, source, size_t(tokens * headSize * elementBytes()));
        if (type != KvType::q8_0) return;
        const int64_t scales = headSize * blockTokens;
        std::memcpy(target + scales, source + scales, size_t(tokens * scaleGroups(headSize) * 2));
    }
};

}  // namespace

/** layout: layers, kv heads, head size, block tokens, key type, value type. */
LOCI_EXPORT bool loci_block_copy(uint8_t * pool, const int64_t * layout, int64_t source,
                                 int64_t target, int64_t tokens) {
    const int64_t heads = layout[0] * layout[1];
    const Part keys{KvType(layout[4]), layout[2], layout[3]};
    const Part values{KvType(layout[5]), layout[2], layout[3]};
    if (source < 0 || target < 0 || tokens < 0 || tokens > layout[3]) return false;
    const int64_t keyBytes = partBytes(keys.type, keys.headSize, keys.blockTokens);
    const int64_t headBytes = keyBytes + partBytes(values.type, values.headSize, values.blockTokens);
    const uint8_t * from = pool + source * heads * headBytes;
    uint8_t * to = pool + target * heads * headBytes;
    if (source == target || tokens == 0) return true;
    if (tokens == layout[3]) {
        std::memcpy(to, from, size_t(heads * headBytes));
        return true;
    }
    const int64_t keyTokens = (tokens + unitTokens - 1) / unitTokens * unitTokens;
    for (int64_t head = 0; head < heads; head++, from += headBytes, to += headBytes) {
        keys.copyFirst(from, to, keyTokens);
        values.copyFirst(from + keyBytes, to + keyBytes, tokens);
    }
    return true;
}

}  // namespace loci
