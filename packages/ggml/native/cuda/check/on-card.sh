#!/bin/sh
# The check and the measurements on a machine with a card and without Node: needs a C++ compiler, and nvcc
# unless build/loci-attention.fatbin came along; with PyTorch, prefill is shown as a share of the matrix rate.
#
#   sh packages/ggml/native/cuda/check/on-card.sh [RUNS]
set -e
cd "$(dirname "$0")/.."
kernels=build/loci-attention.fatbin
mkdir -p build
if [ ! -f "$kernels" ]; then
    nvcc -std=c++17 -O3 -fatbin --expt-relaxed-constexpr -gencode arch=compute_90,code=sm_90 \
        -gencode arch=compute_80,code=compute_80 kernels.cu -o "$kernels"
fi
for program in attention-check attention-bench; do
    ${CXX:-g++} -std=c++17 -O2 -Wno-unknown-pragmas "check/$program.cpp" -o "build/$program" -ldl
done
build/attention-check libcuda.so.1 "$kernels" "${1:-20}"
rate=$(python3 check/matrix-rate.py || echo 0)
echo "matrix rate: $rate TFLOP/s"
build/attention-bench libcuda.so.1 "$kernels" "$rate"
