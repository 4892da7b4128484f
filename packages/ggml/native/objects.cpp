// Making and freeing what the operators work with, and the small services around them.

#include <atomic>
#include <cstddef>
#include <cstring>
#include <new>

#include "exports.h"
#include "ggml-tensor.h"
#include "isas.h"
#include "layer.h"
#include "memory.h"

namespace loci {

namespace {

std::atomic<const char *> lastFailure{nullptr};

constexpr int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/** Cuts one allocation into parts on cache lines. */
struct Carver {
    char * base;
    int64_t used = 0;

    template <typename T>
    T * take(int64_t count) {
        T * const part = base == nullptr ? nullptr : (T *)(base + used);
        used += aligned(count * int64_t(sizeof(T)));
        return part;
    }
};

int64_t carve(Workspace & space, char * base) {
    Carver carver{base};
    carver.take<Workspace>(1);
    space.scratchStride = aligned(scratchFloats(space.headSize) * 4) / 4;
    space.scratch = carver.take<float>(space.threads * space.scratchStride);
    space.rows = carver.take<Row>(space.threads * tileRowsMax);
    space.partials = carver.take<float>(space.kvHeads * space.slotRows * (space.headSize + 2));
    space.mergeOutputs = carver.take<const float *>(space.threads * mergePartsMax);
    space.mergeStates = carver.take<const float *>(space.threads * mergePartsMax);
    space.partsDone = carver.take<std::atomic<int32_t>>(space.kvHeads * space.tiles);
    return carver.used;
}

bool isKvType(int64_t type) { return type >= 0 && type <= 2; }

bool validHead(int64_t headSize) {
    return headSize >= 16 && headSize <= headSizeMax && headSize % 16 == 0;
}

bool validShape(const LayerShape & shape) {
    return shape.layer0 != nullptr && validHead(shape.headSize) && shape.kvHeads > 0 &&
           shape.kvHeads <= 4096 && shape.queryHeads > 0 && shape.queryHeads <= 65536 &&
           shape.queryHeads % shape.kvHeads == 0 && shape.blockTokens > 0 &&
           shape.blockTokens <= 4096 && shape.blockTokens % unitTokens == 0 &&
           shape.blockCount > 0 && shape.slidingWindow >= 0 && shape.softCap >= 0;
}

}  // namespace

void reportFailure(const char * message) {
    const char * none = nullptr;
    lastFailure.compare_exchange_strong(none, message);
}

/** The first failure since the last call, or null. */
LOCI_EXPORT const char * loci_take_failure() { return lastFailure.exchange(nullptr); }

/** Name of the best instruction set, or of `name` itself; null when it cannot run here. */
LOCI_EXPORT const char * loci_isa(const char * name) {
    const Isa * isa = findIsa(name);
    return isa == nullptr ? nullptr : isa->name;
}

/** [size, offset of type, ne, nb, src, data] of the tensor mirror, in bytes. */
LOCI_EXPORT void loci_tensor_layout(int32_t * layout) {
    layout[0] = int32_t(sizeof(GgmlTensor));
    layout[1] = int32_t(offsetof(GgmlTensor, type));
    layout[2] = int32_t(offsetof(GgmlTensor, ne));
    layout[3] = int32_t(offsetof(GgmlTensor, nb));
    layout[4] = int32_t(offsetof(GgmlTensor, src));
    layout[5] = int32_t(offsetof(GgmlTensor, data));
}

/** Null when the sizes are out of range or there is no memory. */
LOCI_EXPORT Workspace * loci_workspace_create(int64_t threads, int64_t headSize, int64_t kvHeads,
                                              int64_t tiles, int64_t slotRows) {
    if (threads < 1 || threads > 1024 || !validHead(headSize) || kvHeads < 1 || kvHeads > 4096) {
        return nullptr;
    }
    if (tiles < 1 || tiles > 1 << 24 || slotRows < 0 || slotRows > 1 << 24) return nullptr;
    Workspace sizes{};
    sizes.threads = threads;
    sizes.headSize = headSize;
    sizes.kvHeads = kvHeads;
    sizes.tiles = tiles;
    sizes.slotRows = slotRows;
    char * const base = (char *)allocateMemory(carve(sizes, nullptr));
    if (base == nullptr) return nullptr;
    Workspace * const space = new (base) Workspace{};
    space->threads = threads;
    space->headSize = headSize;
    space->kvHeads = kvHeads;
    space->tiles = tiles;
    space->slotRows = slotRows;
    carve(*space, base);
    return space;
}

LOCI_EXPORT void loci_workspace_free(Workspace * space) {
    if (space != nullptr) freeMemory(space, carve(*space, (char *)space));
}

/** Null when the options do not fit together; `isa` null = the best. */
LOCI_EXPORT Layer * loci_layer_create(const LayerOptions * options, const char * isa) {
    Layer layer{};
    layer.isa = findIsa(isa);
    layer.workspace = (Workspace *)options->workspace;
    if (layer.isa == nullptr || layer.workspace == nullptr || options->pool == nullptr) {
        return nullptr;
    }
    if (!isKvType(options->keyType) || !isKvType(options->valueType)) return nullptr;
    layer.gates = options->gates;
    layer.index = options->index;
    LayerShape & shape = layer.shape;
    shape.layer0 = options->pool + options->layerOffsetBytes;
    shape.blockBytes = options->blockBytes;
    shape.blockCount = options->blockCount;
    shape.blockTokens = options->blockTokens;
    shape.headSize = options->headSize;
    shape.queryHeads = options->queryHeads;
    shape.kvHeads = options->kvHeads;
    shape.keyType = KvType(options->keyType);
    shape.valueType = KvType(options->valueType);
    shape.slidingWindow = options->slidingWindow;
    shape.scale = float(options->scale);
    shape.softCap = float(options->softCap);
    if (!validShape(shape)) return nullptr;
    shape.keyBytes = partBytes(shape.keyType, shape.headSize, shape.blockTokens);
    shape.headBytes = shape.keyBytes + partBytes(shape.valueType, shape.headSize, shape.blockTokens);
    const int64_t layerEnd = options->layerOffsetBytes + shape.headBytes * shape.kvHeads;
    if (options->layerOffsetBytes < 0 || layerEnd > shape.blockBytes) return nullptr;
    if (shape.headSize > layer.workspace->headSize || shape.kvHeads > layer.workspace->kvHeads) {
        return nullptr;
    }
    return new (std::nothrow) Layer(layer);
}

LOCI_EXPORT void loci_layer_free(Layer * layer) { delete layer; }

/** Bytes of one head's keys and of its values in one block: [keys, values]. */
LOCI_EXPORT void loci_part_bytes(int64_t headSize, int64_t blockTokens, const int64_t * types,
                                 int64_t * bytes) {
    for (int i = 0; i < 2; i++) bytes[i] = partBytes(KvType(types[i]), headSize, blockTokens);
}

}  // namespace loci
