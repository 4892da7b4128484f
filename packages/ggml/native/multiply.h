// C (+)= A · B on panels of B, for one instruction set (see vector.h): a register-blocked
// micro-kernel that keeps a few rows of C in registers while it walks the depth once. The number of
// rows and panels is chosen so that sums and operands fill the instruction set's registers. Included
// once per instruction set, inside its namespace.

#include "vector.h"

#if defined(LOCI_ISA_AVX512)
constexpr int kernelRows = 8, kernelPanels = 2;
#elif defined(LOCI_ISA_AVX2) || defined(LOCI_ISA_NEON)
constexpr int kernelRows = 6, kernelPanels = 1;
#else
constexpr int kernelRows = 3, kernelPanels = 1;
#endif
constexpr int panelVectors = int(unitTokens) / vectorWidth;

/** C[rows][panels · 16] (+)= A[rows][depth] · B, B being panels of [depth][16]. */
struct Product {
    const float * a;
    int64_t aStride;
    const float * b;
    int64_t bPanelStride;
    float * c;
    int64_t cStride;
    int64_t depth;
};

template <int rows, int panels, bool accumulate>
static inline void multiplyBlock(const Product & product) {
    constexpr int vectors = panels * panelVectors;
    const float * const a = product.a;
    const int64_t aStride = product.aStride;
    Vector sums[rows][vectors];
#pragma GCC unroll 16
    for (int row = 0; row < rows; row++) {
#pragma GCC unroll 16
        for (int v = 0; v < vectors; v++) {
            sums[row][v] =
                accumulate ? load(product.c + row * product.cStride + v * vectorWidth) : Vector{};
        }
    }
    const float * b = product.b;
#pragma GCC unroll 4
    for (int64_t k = 0; k < product.depth; k++, b += unitTokens) {
        Vector right[vectors];
#pragma GCC unroll 16
        for (int v = 0; v < vectors; v++) {
            right[v] = load(b + (v / panelVectors) * product.bPanelStride +
                            (v % panelVectors) * vectorWidth);
        }
#pragma GCC unroll 16
        for (int row = 0; row < rows; row++) {
            const Vector left = broadcast(a[row * aStride + k]);
#pragma GCC unroll 16
            for (int v = 0; v < vectors; v++) sums[row][v] += left * right[v];
        }
    }
#pragma GCC unroll 16
    for (int row = 0; row < rows; row++) {
#pragma GCC unroll 16
        for (int v = 0; v < vectors; v++) {
            store(product.c + row * product.cStride + v * vectorWidth, sums[row][v]);
        }
    }
}

template <int panels, bool accumulate, int rows = kernelRows>
static inline void multiplyRows(const Product & product, int64_t rowCount) {
    if (rowCount == rows) {
        multiplyBlock<rows, panels, accumulate>(product);
    } else if constexpr (rows > 1) {
        multiplyRows<panels, accumulate, rows - 1>(product, rowCount);
    }
}

/** All rows against `panels` panels; rows go in groups of nearly equal size. */
template <int panels, bool accumulate>
static inline void multiplyPanels(Product product, int64_t rowCount) {
    int64_t groups = (rowCount + kernelRows - 1) / kernelRows;
    while (groups > 0) {
        const int64_t rows = (rowCount + groups - 1) / groups;
        multiplyRows<panels, accumulate>(product, rows);
        product.a += rows * product.aStride;
        product.c += rows * product.cStride;
        rowCount -= rows;
        groups--;
    }
}

template <bool accumulate>
static void multiply(Product product, int64_t rowCount, int64_t panelCount) {
    while (panelCount >= kernelPanels) {
        multiplyPanels<kernelPanels, accumulate>(product, rowCount);
        product.b += kernelPanels * product.bPanelStride;
        product.c += kernelPanels * unitTokens;
        panelCount -= kernelPanels;
    }
    if (panelCount > 0) multiplyPanels<1, accumulate>(product, rowCount);
}
