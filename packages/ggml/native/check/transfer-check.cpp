// Transfers without JavaScript, for sanitizers and emulated processors: blocks go to memory and to a
// file and come back, damage is noticed, and a waiting thread sees whole layers only.
//
//   transfer-check <runs> [seed]      exit code 1 and a line when something is off

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "../gates.h"
#include "../transfer.h"

using namespace loci;

extern "C" {
int64_t loci_transfer_read(const TransferOrder *);
int64_t loci_transfer_write(const TransferOrder *);
void loci_check_headers(const uint8_t *, int64_t, int64_t, uint8_t *);
}

namespace {

constexpr int64_t identityBytes = 152, checksumBytes = 8;

struct Bench {
    std::mt19937 random;
    int64_t layers, layerBytes, blocks, headerBytes;
    std::vector<uint8_t> source, target, copies, headers, found;
    std::vector<uint64_t> sums;
    std::vector<BlockMove> moves;
    std::vector<int32_t> gates = std::vector<int32_t>(gatesMax * 2 + 2, 0);

    explicit Bench(unsigned seed) : random(seed) {
        layers = pick(1, 6), layerBytes = 64 * pick(1, 700), blocks = pick(1, 5);
        headerBytes = (identityBytes + (layers + 1) * checksumBytes + 63) / 64 * 64;
        const size_t bytes = size_t(blocks * layers * layerBytes);
        source.resize(bytes), target.resize(bytes), copies.resize(bytes);
        for (uint8_t & byte : source) byte = uint8_t(random());
        headers.resize(size_t(blocks * headerBytes)), found.resize(headers.size());
        for (int64_t i = 0; i < blocks; i++) {
            for (int64_t at = 0; at < identityBytes; at++) {
                headers[size_t(i * headerBytes + at)] = uint8_t(random());
            }
        }
        sums.resize(size_t(blocks * layers));
        gates[gatesMax * 2 + 1] = 10000;
    }

    int64_t pick(int64_t low, int64_t high) {
        return std::uniform_int_distribution<int64_t>(low, high)(random);
    }

    TransferOrder order(std::vector<uint8_t> & memory, int64_t file) {
        moves.clear();
        const int64_t blockBytes = layers * layerBytes;
        for (int64_t i = 0; i < blocks; i++) {
            uint8_t * const copy = copies.data() + i * blockBytes;
            const int64_t place = file < 0 ? int64_t(copy) : blocks * headerBytes + i * blockBytes;
            moves.push_back({memory.data() + i * blockBytes, file, place, i * headerBytes,
                             headers.data() + i * headerBytes, found.data() + i * headerBytes,
                             sums.data() + i * layers, 1});
        }
        return {moves.data(), blocks, layers, layerBytes, identityBytes, headerBytes,
                gates.data(), 3, 0, 0, 0};
    }

    /** Restores while another thread follows the gate; true when it saw nothing but right layers. */
    bool restore(int64_t file) {
        std::fill(target.begin(), target.end(), uint8_t(0));
        gates[3] = gates[gatesMax + 3] = 0;
        TransferOrder read = order(target, file);
        read.layerDelayMicros = pick(0, 1) * 50;
        std::atomic<bool> right{true};
        std::thread follower([&] {
            for (int64_t layer = 0; layer < layers; layer++) {
                awaitGate(gates.data(), 3, int32_t(layer));
                for (int64_t i = 0; i < blocks; i++) {
                    const size_t at = size_t((i * layers + layer) * layerBytes);
                    if (std::memcmp(&source[at], &target[at], size_t(layerBytes)) != 0) right = false;
                }
            }
        });
        const int64_t failures = loci_transfer_read(&read);
        follower.join();
        return failures == 0 && right && gates[gatesMax + 3] == 0;
    }

    /** Damages one byte of what was stored: exactly one block may miss, and the gate must tell. */
    bool noticesDamage(std::FILE * file) {
        const int64_t block = pick(0, blocks - 1);
        const bool inHeader = pick(0, 1) == 0;
        const int64_t size = inHeader ? headerBytes : layers * layerBytes;
        const int64_t start = inHeader ? block * headerBytes : blocks * headerBytes + block * size;
        damage(file, start + pick(0, size - 1));
        gates[3] = gates[gatesMax + 3] = 0;
        const TransferOrder read = order(target, fileno(file));
        const int64_t failures = loci_transfer_read(&read);
        const bool told = gates[gatesMax + 3] == 1 && gates[3] == layersOpen;
        return failures == 1 && moves[size_t(block)].result < 0 && told;
    }

    static void damage(std::FILE * file, int64_t position) {
        std::fseek(file, long(position), SEEK_SET);
        const int byte = std::fgetc(file);
        std::fseek(file, long(position), SEEK_SET);
        std::fputc(byte ^ 4, file);
        std::fflush(file);
    }
};

const char * checkRun(unsigned seed) {
    Bench bench(seed);
    std::FILE * const file = std::tmpfile();
    if (file == nullptr) return "no temporary file";
    const TransferOrder toMemory = bench.order(bench.source, -1);
    if (loci_transfer_write(&toMemory) != 0) return "memory was not written";
    if (!bench.restore(-1)) return "memory came back otherwise";
    TransferOrder toFile = bench.order(bench.source, fileno(file));
    toFile.checksKnown = 1, toFile.syncs = seed % 4 == 0;
    if (loci_transfer_write(&toFile) != 0) return "the file was not written";
    std::vector<uint8_t> valid(size_t(bench.blocks), 0);
    loci_check_headers(bench.headers.data(), bench.headerBytes, bench.blocks, valid.data());
    for (const uint8_t one : valid) {
        if (one != 1) return "a header's checksum is off";
    }
    if (!bench.restore(fileno(file))) return "the file came back otherwise";
    if (!bench.noticesDamage(file)) return "damage was not noticed";
    bench.sums[0] ^= 1;
    TransferOrder known = bench.order(bench.source, fileno(file));
    known.checksKnown = 1;
    if (loci_transfer_write(&known) != 1) return "a known checksum was not compared";
    std::fclose(file);
    return nullptr;
}

}  // namespace

int main(int argc, char ** argv) {
    const unsigned runs = argc > 1 ? unsigned(std::atoi(argv[1])) : 1;
    const unsigned first = argc > 2 ? unsigned(std::atoi(argv[2])) : 1;
    for (unsigned run = 0; run < runs; run++) {
        if (const char * const failure = checkRun(first + run)) {
            std::printf("transfers: seed %u: %s\n", first + run, failure);
            return 1;
        }
    }
    std::printf("transfers: %u runs, every block came back right or was missed\n", runs);
    return 0;
}
