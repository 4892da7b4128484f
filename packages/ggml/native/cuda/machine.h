// The machine that the kernels are written for: a block of threads in warps of 32, shared memory, copies
// that run beside the computation, and the matrix instruction. Compiled by nvcc it is a GPU; compiled by
// any other C++ compiler it is an emulation of one, for tests (emulated/machine.h).
//
//   LOCI_KERNEL, LOCI_INLINE    how functions are marked
//   threadIndex() …             where a thread is
//   sharedMemory()              the block's memory, 16-byte aligned
//   syncBlock()                 a barrier of all threads
//   shuffleXor(value, mask)     the value of the lane whose number differs by `mask`
//   copyAsync16 / copyAsync4    global to shared memory, later; zeros when not `valid`
//   commitCopies, waitCopies<n> groups of such copies: wait until at most n are under way
//   loadMatrix4(r, row)         four 8x8 matrices of 16-bit elements; lane i gives row i % 8 of matrix i / 8
//   multiplyAdd(acc, a, b0, b1) acc[16x8] += a[16x16] · b[16x8], f16 in, f32 out (mma.m16n8k16)
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#include "machine-cuda.h"
#else
#include "emulated/machine.h"
#endif
