// What a transfer is asked to do; mirrored by src/transfer/native-transfer.ts, all fields 8 bytes
// wide. A block is [layer][layerBytes]; in a file it has a header elsewhere in the same file:
//
//   header  [identity ............ | checksum of every layer | zeros | checksum of all before it]
//           0                      identityBytes                       headerBytes - 8
#pragma once

#include <cstdint>

namespace loci {

/** Results per block; above 0 it is an errno. */
constexpr int64_t blockMoved = 0, blockShort = -1, headerTorn = -2, headerForeign = -3,
                  blockCorrupt = -4;

struct BlockMove {
    uint8_t * memory;      // the end that is memory
    int64_t file;          // -1: the other end is memory too, at `place`
    int64_t place;         // offset of the payload in the file, or an address
    int64_t headerPlace;   // offset of the header in the file
    uint8_t * header;      // write: identity, to be completed; read: the identity to be found
    uint8_t * headerRead;  // read: receives what was found
    uint64_t * checksums;  // of the layers: memory to memory, or when writing; may be null when reading a file
    int64_t result;
};

struct TransferOrder {
    BlockMove * blocks;
    int64_t blockCount;
    int64_t layers;
    int64_t layerBytes;
    int64_t identityBytes;
    int64_t headerBytes;
    int32_t * gates;     // null: nobody waits
    int64_t gate;
    int64_t checksKnown; // write: the checksums are known, and what differs is corrupt
    int64_t syncs;       // write: each step is on the device before the next
    int64_t layerDelayMicros;  // read: for tests that must overtake a restore
};

}  // namespace loci
