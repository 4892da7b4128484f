// Moves blocks between the device's pool, host memory and files, on a thread of its own. A read
// goes layer by layer over all blocks, checks every layer of every block against its checksum and
// publishes at a gate how many layers are there; a write goes block by block, payload first, and
// makes a block visible by its header last.

#include "transfer.h"

#include <chrono>
#include <cstring>
#include <thread>

#include "exports.h"
#include "file-io.h"
#include "gates.h"
#include "xxh64.h"

namespace loci {
namespace {

/** Reads from files smaller than this are joined: a system call costs as much as copying it. */
constexpr int64_t readBytesMin = 32 * 1024;
/** What a device is asked for ahead, of each block: large enough for it to be fast. */
constexpr int64_t aheadBytes = 128 * 1024;
constexpr int64_t checksumBytes = 8;

class Reader {
public:
    explicit Reader(const TransferOrder & order) : order(order) {}

    int64_t run() {
        for (int64_t i = 0; i < order.blockCount; i++) open(order.blocks[i]);
        const int64_t step = layersPerRead();
        for (int64_t layer = 0; layer < order.layers; layer += step) {
            const int64_t end = layer + step < order.layers ? layer + step : order.layers;
            askAhead(end);
            for (int64_t i = 0; i < order.blockCount; i++) {
                if (order.blocks[i].result == blockMoved) readLayers(order.blocks[i], layer, end);
            }
            if (order.gates != nullptr) advanceGate(order.gates, int32_t(order.gate), int32_t(end));
            if (order.layerDelayMicros > 0) {
                std::this_thread::sleep_for(std::chrono::microseconds(order.layerDelayMicros));
            }
        }
        return failures;
    }

private:
    const TransferOrder & order;
    int64_t failures = 0;
    int64_t layersAsked = 0;

    int64_t layersPerRead() const {
        return order.layerDelayMicros > 0 ? 1 : layersIn(readBytesMin);
    }

    int64_t layersIn(int64_t bytes) const {
        return (bytes + order.layerBytes - 1) / order.layerBytes;
    }

    /** Layers come in the order in which they are wanted, of all blocks, and never one at a time. */
    void askAhead(int64_t layersWanted) {
        const int64_t count = layersIn(aheadBytes);
        for (; layersAsked < order.layers && layersAsked < layersWanted + count; layersAsked += count) {
            const int64_t rest = order.layers - layersAsked;
            for (int64_t i = 0; i < order.blockCount; i++) {
                const BlockMove & block = order.blocks[i];
                if (block.file < 0 || block.result != blockMoved) continue;
                adviseWanted(block.file, block.place + layersAsked * order.layerBytes,
                             (count < rest ? count : rest) * order.layerBytes);
            }
        }
    }

    void fail(BlockMove & block, int64_t result) {
        block.result = result;
        failures++;
        if (order.gates != nullptr) failGate(order.gates, int32_t(order.gate));
    }

    void open(BlockMove & block) {
        block.result = blockMoved;
        if (block.file < 0) return;
        const int64_t result = readHeader(block);
        if (result != blockMoved) return fail(block, result);
        block.checksums = (uint64_t *)(block.headerRead + order.identityBytes);
        beat();
    }

    int64_t readHeader(const BlockMove & block) const {
        const int64_t checked = order.headerBytes - checksumBytes;
        const int32_t failure =
            readFully(block.file, block.headerRead, order.headerBytes, block.headerPlace);
        if (failure != 0) return failure;
        uint64_t stated;
        std::memcpy(&stated, block.headerRead + checked, checksumBytes);
        if (Xxh64::of(block.headerRead, checked) != stated) return headerTorn;
        const bool same = std::memcmp(block.headerRead, block.header, size_t(order.identityBytes)) == 0;
        return same ? blockMoved : headerForeign;
    }

    void readLayers(BlockMove & block, int64_t start, int64_t end) {
        const int64_t offset = start * order.layerBytes, bytes = (end - start) * order.layerBytes;
        if (block.file < 0) {
            std::memcpy(block.memory + offset, (const uint8_t *)block.place + offset, size_t(bytes));
        } else {
            const int32_t failure =
                readFully(block.file, block.memory + offset, bytes, block.place + offset);
            if (failure != 0) return fail(block, failure);
        }
        for (int64_t layer = start; layer < end; layer++) {
            const uint64_t found =
                Xxh64::of(block.memory + layer * order.layerBytes, order.layerBytes);
            if (found != block.checksums[layer]) return fail(block, blockCorrupt);
        }
        beat();
    }

    void beat() const {
        if (order.gates != nullptr) beatGates(order.gates);
    }
};

class Writer {
public:
    explicit Writer(const TransferOrder & order) : order(order) {}

    int64_t run() const {
        int64_t failures = 0;
        for (int64_t i = 0; i < order.blockCount; i++) {
            BlockMove & block = order.blocks[i];
            block.result = block.file < 0 ? writeMemory(block) : writeFile(block);
            if (block.result != blockMoved) failures++;
        }
        return failures;
    }

private:
    const TransferOrder & order;

    int64_t writeMemory(const BlockMove & block) const {
        uint8_t * const target = (uint8_t *)block.place;
        for (int64_t layer = 0; layer < order.layers; layer++) {
            const int64_t offset = layer * order.layerBytes;
            std::memcpy(target + offset, block.memory + offset, size_t(order.layerBytes));
            if (!sum(block, layer, target + offset)) return blockCorrupt;
        }
        return blockMoved;
    }

    int64_t writeFile(const BlockMove & block) const {
        for (int64_t layer = 0; layer < order.layers; layer++) {
            if (!sum(block, layer, block.memory + layer * order.layerBytes)) return blockCorrupt;
        }
        const uint8_t none[64] = {};
        int32_t failure = put(block, none, sizeof none, block.headerPlace);
        if (failure != 0) return failure;
        failure = put(block, block.memory, order.layers * order.layerBytes, block.place);
        if (failure != 0) return failure;
        completeHeader(block);
        return put(block, block.header, order.headerBytes, block.headerPlace);
    }

    int32_t put(const BlockMove & block, const void * source, int64_t bytes, int64_t place) const {
        const int32_t failure = writeFully(block.file, source, bytes, place);
        return failure != 0 || order.syncs == 0 ? failure : syncFile(block.file);
    }

    /** Notes a layer's checksum; false when it was known and is another. */
    bool sum(const BlockMove & block, int64_t layer, const uint8_t * bytes) const {
        const uint64_t found = Xxh64::of(bytes, order.layerBytes);
        if (order.checksKnown != 0) return block.checksums[layer] == found;
        block.checksums[layer] = found;
        return true;
    }

    void completeHeader(const BlockMove & block) const {
        uint8_t * const sums = block.header + order.identityBytes;
        std::memcpy(sums, block.checksums, size_t(order.layers * checksumBytes));
        const int64_t checked = order.headerBytes - checksumBytes;
        const uint64_t all = Xxh64::of(block.header, checked);
        std::memcpy(block.header + checked, &all, checksumBytes);
    }
};

}  // namespace

/** Returns how many blocks did not arrive; each says why. */
LOCI_EXPORT int64_t loci_transfer_read(const TransferOrder * order) { return Reader(*order).run(); }
LOCI_EXPORT int64_t loci_transfer_write(const TransferOrder * order) { return Writer(*order).run(); }

/** For each of `count` headers side by side: 1 when its checksum is right. */
LOCI_EXPORT void loci_check_headers(const uint8_t * headers, int64_t headerBytes, int64_t count,
                                    uint8_t * valid) {
    const int64_t checked = headerBytes - checksumBytes;
    for (int64_t i = 0; i < count; i++, headers += headerBytes) {
        uint64_t stated;
        std::memcpy(&stated, headers + checked, checksumBytes);
        valid[i] = Xxh64::of(headers, checked) == stated;
    }
}

}  // namespace loci
