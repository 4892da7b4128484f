// The CUDA driver, opened at run time: the card's own, or the emulation (../emulated/driver.cpp). Needs no CUDA
// toolkit to compile. What fails ends the program with a line.
#pragma once

#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "../parameters.h"

namespace loci::check {

[[noreturn]] inline void stop(const std::string & message) {
    std::fprintf(stderr, "attention-check: %s\n", message.c_str());
    std::exit(1);
}

class Driver {
public:
    /** `module` is a cubin or PTX; the emulation takes any file. */
    Driver(const std::string & library, const std::string & module) {
        handle = dlopen(library.c_str(), RTLD_NOW);
        if (handle == nullptr) stop(std::string("no CUDA driver: ") + dlerror());
        call("cuInit", 0u);
        int device = 0;
        call("cuDeviceGet", &device, 0);
        call("cuDevicePrimaryCtxRetain", &context, device);
        call("cuCtxSetCurrent", context);
        char text[256] = "";
        call("cuDeviceGetName", text, int(sizeof(text)), device);
        name = text;
        call("cuDeviceGetAttribute", &processors, 16, device);
        call("cuDeviceGetAttribute", &sharedBytesMax, 97, device);
        std::ifstream file(module, std::ios::binary);
        std::vector<char> image((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        if (image.empty()) stop("no kernels in " + module);
        image.push_back(0);
        call("cuModuleLoadData", &loaded, image.data());
        call("cuStreamCreate", &stream, 1u);
    }

    std::string name;
    int processors = 0, sharedBytesMax = 0;

    void * function(const std::string & kernel, int sharedBytes) {
        void *& known = functions[kernel];
        if (known == nullptr) {
            call("cuModuleGetFunction", &known, loaded, kernel.c_str());
            if (sharedBytes > 48 * 1024) call("cuFuncSetAttribute", known, 8, sharedBytes);
        }
        return known;
    }

    void launch(void * kernel, unsigned width, unsigned height, unsigned threads, unsigned sharedBytes,
                Parameters parameters) {
        void * pointers[] = {&parameters};
        call("cuLaunchKernel", kernel, width, height, 1u, threads, 1u, 1u, sharedBytes, stream,
             (void **)pointers, (void **)nullptr);
    }

    void * allocate(size_t bytes) {
        void * address = nullptr;
        call("cuMemAlloc_v2", &address, bytes);
        return address;
    }
    void release(void * address) { call("cuMemFree_v2", address); }
    void upload(void * target, const void * source, size_t bytes) {
        call("cuMemcpyHtoDAsync_v2", target, source, bytes, stream);
        wait();
    }
    void download(void * target, const void * source, size_t bytes) {
        call("cuMemcpyDtoHAsync_v2", target, source, bytes, stream);
        wait();
    }
    void copy(void * target, const void * source, size_t bytes) {
        call("cuMemcpyDtoDAsync_v2", target, source, bytes, stream);
    }
    void fill(void * target, unsigned value, size_t words) {
        call("cuMemsetD32Async", target, value, words, stream);
    }
    void wait() { call("cuStreamSynchronize", stream); }

    /** Milliseconds on the device, from the first command of `work` to its last. */
    template <typename Work>
    float time(Work work) {
        void *start = nullptr, *end = nullptr;
        call("cuEventCreate", &start, 0u);
        call("cuEventCreate", &end, 0u);
        call("cuEventRecord", start, stream);
        work();
        call("cuEventRecord", end, stream);
        call("cuEventSynchronize", end);
        float milliseconds = 0;
        call("cuEventElapsedTime", &milliseconds, start, end);
        call("cuEventDestroy_v2", start);
        call("cuEventDestroy_v2", end);
        return milliseconds;
    }

private:
    void * handle = nullptr;
    void *context = nullptr, *loaded = nullptr, *stream = nullptr;
    std::map<std::string, void *> functions, symbols;

    template <typename... Arguments>
    void call(const char * symbol, Arguments... arguments) {
        void *& found = symbols[symbol];
        if (found == nullptr) found = dlsym(handle, symbol);
        if (found == nullptr) stop(std::string("the driver has no ") + symbol);
        const int result = ((int (*)(Arguments...))found)(arguments...);
        if (result != 0) stop(std::string(symbol) + " failed: CUDA error " + std::to_string(result));
    }
};

/** Device memory of elements of one type. */
template <typename T>
class DeviceArray {
public:
    DeviceArray(Driver & driver, size_t count) : driver(driver), count(count) {
        address = (T *)driver.allocate(count * sizeof(T));
    }
    DeviceArray(Driver & driver, const std::vector<T> & source) : DeviceArray(driver, source.size()) {
        driver.upload(address, source.data(), count * sizeof(T));
    }
    DeviceArray(const DeviceArray &) = delete;
    ~DeviceArray() { driver.release(address); }

    std::vector<T> read() const {
        std::vector<T> target(count);
        driver.download(target.data(), address, count * sizeof(T));
        return target;
    }
    T * get() const { return address; }
    size_t size() const { return count; }

private:
    Driver & driver;
    size_t count;
    T * address;
};

}  // namespace loci::check
