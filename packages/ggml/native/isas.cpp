// Which instruction sets the library holds, and which of them run here.

#include "isas.h"

#include <cstring>

namespace loci {

#if defined(__x86_64__) || defined(_M_X64)

extern const Isa avx512Isa, avx2Isa, baselineIsa;

namespace {
// The compilers' cpuid check also asks whether the operating system saves the registers.
bool runsAvx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
// Every processor with AVX2 and FMA also has F16C, whose name not every compiler knows.
bool runsAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
}  // namespace

const Isa * findIsa(const char * name) {
    __builtin_cpu_init();
    const auto wanted = [name](const Isa & isa) {
        return name == nullptr || std::strcmp(name, isa.name) == 0;
    };
    if (wanted(avx512Isa) && runsAvx512()) return &avx512Isa;
    if (wanted(avx2Isa) && runsAvx2()) return &avx2Isa;
    return wanted(baselineIsa) ? &baselineIsa : nullptr;
}

#else

#if defined(__aarch64__)
extern const Isa neonIsa;
#endif
extern const Isa baselineIsa;

const Isa * findIsa(const char * name) {
#if defined(__aarch64__)
    if (name == nullptr || std::strcmp(name, neonIsa.name) == 0) return &neonIsa;
#endif
    return name == nullptr || std::strcmp(name, baselineIsa.name) == 0 ? &baselineIsa : nullptr;
}

#endif

}  // namespace loci
