// Runs an operator on threads of its own, as ggml would: for tests and benchmarks.

#include <system_error>
#include <thread>
#include <vector>

#include "exports.h"
#include "ggml-tensor.h"

namespace loci {

/** Returns false when the threads cannot be had. */
LOCI_EXPORT bool loci_run_threads(void (*operation)(GgmlTensor *, int, int, void *),
                                  GgmlTensor * dst, int threads, void * userdata) {
    std::vector<std::thread> others;
    try {
        others.reserve(size_t(threads));
        for (int i = 1; i < threads; i++) others.emplace_back(operation, dst, i, threads, userdata);
    } catch (...) {
        for (std::thread & other : others) other.join();
        return false;
    }
    operation(dst, 0, threads, userdata);
    for (std::thread & other : others) other.join();
    return true;
}

}  // namespace loci
