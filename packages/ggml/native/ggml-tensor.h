// A mirror of ggml's tensor (ggml 0.25.1): the custom operators read shapes, strides and data
// through it, so that the kernel needs no ggml header. `loci_tensor_layout` reports it, and the
// TypeScript side compares it with what the loaded ggml says before any operator runs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace loci {

struct GgmlTensor {
    int32_t type;
    void * buffer;
    int64_t ne[4];  // elements per dimension
    size_t nb[4];   // bytes between neighbours per dimension
    int32_t op;
    int32_t opParams[16];
    int32_t flags;
    GgmlTensor * src[10];
    GgmlTensor * viewSource;
    size_t viewOffset;
    void * data;
    char name[64];
    void * extra;
    char padding[8];
};

constexpr int32_t ggmlTypeF32 = 0;
constexpr int32_t ggmlTypeI32 = 26;

}  // namespace loci
