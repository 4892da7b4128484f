// XXH64 with seed 0, after its public specification: a fast checksum that finds torn and rotten
// bytes. Not cryptographic: it does not stop somebody who forges files.
#pragma once

#include <cstdint>
#include <cstring>

namespace loci {

class Xxh64 {
public:
    static uint64_t of(const uint8_t * bytes, int64_t count) {
        const uint8_t * const end = bytes + count;
        uint64_t hash = prime5;
        if (count >= stripeBytes) {
            uint64_t lanes[4] = {prime1 + prime2, prime2, 0, 0 - prime1};
            for (; end - bytes >= stripeBytes; bytes += stripeBytes) {
                for (int lane = 0; lane < 4; lane++) {
                    lanes[lane] = round(lanes[lane], word(bytes + lane * 8));
                }
            }
            hash = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) +
                   rotate(lanes[3], 18);
            for (int lane = 0; lane < 4; lane++) {
                hash = (hash ^ round(0, lanes[lane])) * prime1 + prime4;
            }
        }
        return finish(hash + uint64_t(count), bytes, end);
    }

private:
    static constexpr int64_t stripeBytes = 32;
    static constexpr uint64_t prime1 = 0x9e3779b185ebca87, prime2 = 0xc2b2ae3d27d4eb4f,
                              prime3 = 0x165667b19e3779f9, prime4 = 0x85ebca77c2b2ae63,
                              prime5 = 0x27d4eb2f165667c5;

    static uint64_t rotate(uint64_t value, int bits) { return value << bits | value >> (64 - bits); }

    static uint64_t word(const uint8_t * bytes) {
        uint64_t value;
        std::memcpy(&value, bytes, 8);
        return value;
    }

    static uint64_t round(uint64_t lane, uint64_t input) {
        return rotate(lane + input * prime2, 31) * prime1;
    }

    static uint64_t finish(uint64_t hash, const uint8_t * bytes, const uint8_t * end) {
        for (; end - bytes >= 8; bytes += 8) {
            hash = rotate(hash ^ round(0, word(bytes)), 27) * prime1 + prime4;
        }
        if (end - bytes >= 4) {
            uint32_t half;
            std::memcpy(&half, bytes, 4);
            hash = rotate(hash ^ half * prime1, 23) * prime2 + prime3;
            bytes += 4;
        }
        for (; bytes < end; bytes++) hash = rotate(hash ^ *bytes * prime5, 11) * prime1;
        hash = (hash ^ hash >> 33) * prime2;
        hash = (hash ^ hash >> 29) * prime3;
        return hash ^ hash >> 32;
    }
};

}  // namespace loci
