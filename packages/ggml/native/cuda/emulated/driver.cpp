// The CUDA driver's functions that we call (src/cuda/driver-functions.ts, check/driver.h), over the emulated
// machine: a library that stands in for libcuda.so.1 in tests. Everything is done when it is asked for;
// streams and events order nothing that is not in order already.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "../attention-kernel.h"
#include "../join-kernel.h"
#include "../kernel-list.h"
#include "../store-kernel.h"

using namespace loci;

namespace {

/** A kernel, and the only launch that it is made for. */
struct Kernel {
    void (*run)(const Parameters &);
    int threads, sharedBytes;
};

const std::map<std::string, Kernel> kernels = {
#define LOCI_ATTEND(size, type, rows)                                                                \
    {"loci_attend_" #size "_" #type "_" #rows,                                                       \
     {[](const Parameters & given) { attendItem<TileShape<size, KvType::type, rows>>(given); },      \
      TileShape<size, KvType::type, rows>::threads,                                                  \
      TileShape<size, KvType::type, rows>::sharedBytes}},
#define LOCI_STORE(size, type)                                                                       \
    {"loci_store_" #size "_" #type,                                                                  \
     {[](const Parameters & given) { storeTokens<KvType::type>(given, size); }, storeThreads, 0}},
#define LOCI_JOIN(size) \
    {"loci_join_" #size, {[](const Parameters & given) { joinTile(given, size); }, joinThreads, 0}},
    LOCI_KERNELS};

enum Result { success = 0, invalidValue = 1, outOfMemory = 2, invalidContext = 201, notFound = 500 };

/** As an H100 answers, by the numbers of CUdevice_attribute. */
const std::map<int, int> attributes = {{16, 132}, {75, 9}, {76, 0}, {97, 232448}};

constexpr unsigned threadsMax = 4;
constexpr int defaultSharedBytes = 48 * 1024;

struct Function {
    Kernel kernel;
    int sharedBytesMax = defaultSharedBytes;
};

struct Launch {
    Kernel kernel;
    Parameters parameters;
    int width, height, threads;
    int64_t sharedBytes;
};

void runBlocks(const Launch & launch, std::atomic<int> & next) {
    // Larger blocks than were asked for would hide that too little was.
    std::vector<uint8_t> memory(size_t(launch.sharedBytes) + 16);
    emulated::Block & block = emulated::block();
    block.threadCount = launch.threads;
    block.sharedBytes = launch.sharedBytes;
    block.shared = memory.data() + (16 - uintptr_t(memory.data()) % 16) % 16;
    for (int index = next++; index < launch.width * launch.height; index = next++) {
        block.x = index % launch.width;
        block.y = index / launch.width;
        std::memset(block.shared, 0xff, size_t(launch.sharedBytes));
        block.run([&] { launch.kernel.run(launch.parameters); }, unsigned(index));
    }
}

void * currentContext = nullptr;
int contextMark, streamMark, moduleMark;

struct Event {
    std::chrono::steady_clock::time_point time;
};

}  // namespace

#define LOCI_DRIVER extern "C" __attribute__((visibility("default"))) int

LOCI_DRIVER cuInit(unsigned) { return success; }
LOCI_DRIVER cuDriverGetVersion(int * version) { return *version = 13000, success; }
LOCI_DRIVER cuDeviceGetCount(int * count) { return *count = 1, success; }
LOCI_DRIVER cuDeviceGet(int * device, int ordinal) {
    *device = ordinal;
    return ordinal == 0 ? success : invalidValue;
}
LOCI_DRIVER cuDeviceGetName(char * name, int length, int) {
    std::snprintf(name, size_t(length), "emulated on the CPU");
    return success;
}
LOCI_DRIVER cuDeviceGetAttribute(int * value, int attribute, int) {
    const auto found = attributes.find(attribute);
    if (found == attributes.end()) return invalidValue;
    *value = found->second;
    return success;
}
LOCI_DRIVER cuDevicePrimaryCtxRetain(void ** context, int) { return *context = &contextMark, success; }
LOCI_DRIVER cuDevicePrimaryCtxRelease_v2(int) { return success; }
LOCI_DRIVER cuCtxSetCurrent(void * context) { return currentContext = context, success; }

LOCI_DRIVER cuModuleLoadData(void ** module, const void * image) {
    if (currentContext == nullptr || image == nullptr) return invalidContext;
    *module = &moduleMark;
    return success;
}
LOCI_DRIVER cuModuleUnload(void *) { return success; }
LOCI_DRIVER cuModuleGetFunction(void ** function, void *, const char * name) {
    const auto found = kernels.find(name);
    if (found == kernels.end()) return notFound;
    *function = new Function{found->second};
    return success;
}
LOCI_DRIVER cuFuncSetAttribute(void * function, int attribute, int value) {
    if (attribute != 8 || value > attributes.at(97)) return invalidValue;
    ((Function *)function)->sharedBytesMax = value;
    return success;
}

LOCI_DRIVER cuLaunchKernel(void * function, unsigned width, unsigned height, unsigned depth,
                           unsigned threads, unsigned threadsY, unsigned threadsZ,
                           unsigned sharedBytes, void *, void ** parameters, void **) {
    const Function & called = *(const Function *)function;
    if (width == 0 || height == 0 || depth != 1 || threadsY != 1 || threadsZ != 1) return invalidValue;
    if (height > 65535 || int(sharedBytes) > called.sharedBytesMax) return invalidValue;
    if (int(threads) != called.kernel.threads || int(sharedBytes) != called.kernel.sharedBytes) {
        return invalidValue;
    }
    const Launch launch{called.kernel, *(const Parameters *)parameters[0], int(width), int(height),
                        int(threads), int64_t(sharedBytes)};
    std::atomic<int> next{0};
    std::vector<std::thread> workers;
    const unsigned count = std::min(threadsMax, width * height);
    for (unsigned i = 0; i < count; i++) workers.emplace_back([&] { runBlocks(launch, next); });
    for (std::thread & worker : workers) worker.join();
    return success;
}

LOCI_DRIVER cuStreamCreate(void ** stream, unsigned) { return *stream = &streamMark, success; }
LOCI_DRIVER cuStreamDestroy_v2(void *) { return success; }
LOCI_DRIVER cuStreamSynchronize(void *) { return success; }
LOCI_DRIVER cuStreamWaitEvent(void *, void *, unsigned) { return success; }
LOCI_DRIVER cuEventCreate(void ** event, unsigned) { return *event = new Event, success; }
LOCI_DRIVER cuEventRecord(void * event, void *) {
    ((Event *)event)->time = std::chrono::steady_clock::now();
    return success;
}
LOCI_DRIVER cuEventSynchronize(void *) { return success; }
LOCI_DRIVER cuEventElapsedTime(float * milliseconds, void * start, void * end) {
    const auto duration = ((Event *)end)->time - ((Event *)start)->time;
    *milliseconds = std::chrono::duration<float, std::milli>(duration).count();
    return success;
}
LOCI_DRIVER cuEventDestroy_v2(void * event) {
    delete (Event *)event;
    return success;
}

LOCI_DRIVER cuMemAlloc_v2(void ** address, size_t bytes) {
    if (currentContext == nullptr) return invalidContext;
    if (bytes == 0) return invalidValue;
    *address = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    if (*address == nullptr) return outOfMemory;
    // What nobody wrote must not matter.
    std::memset(*address, 0xff, bytes);
    emulated::allowMemory(*address, int64_t(bytes));
    return success;
}
LOCI_DRIVER cuMemFree_v2(void * address) {
    emulated::forbidMemory(address);
    std::free(address);
    return success;
}
LOCI_DRIVER cuMemcpyHtoDAsync_v2(void * target, const void * source, size_t bytes, void *) {
    std::memcpy(target, source, bytes);
    return success;
}
LOCI_DRIVER cuMemcpyDtoHAsync_v2(void * target, const void * source, size_t bytes, void *) {
    std::memcpy(target, source, bytes);
    return success;
}
LOCI_DRIVER cuMemcpyDtoDAsync_v2(void * target, const void * source, size_t bytes, void *) {
    std::memcpy(target, source, bytes);
    return success;
}
LOCI_DRIVER cuMemsetD32Async(uint32_t * target, unsigned value, size_t count, void *) {
    std::fill(target, target + count, value);
    return success;
}
LOCI_DRIVER cuGetErrorName(int result, const char ** name) {
    *name = result == success       ? "CUDA_SUCCESS"
            : result == outOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY"
            : result == notFound    ? "CUDA_ERROR_NOT_FOUND"
                                    : "CUDA_ERROR_INVALID_VALUE";
    return success;
}
