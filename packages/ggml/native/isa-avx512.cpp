// The attention code for AVX512; compiled with that set's flags alone.
#define LOCI_ISA_AVX512

#include <immintrin.h>

#include "kv-format.h"

namespace loci::avx512 {
#include "attend.h"
#include "store.h"
}

namespace loci {
extern const Isa avx512Isa;
const Isa avx512Isa = {"avx512", avx512::attend, avx512::merge, avx512::storeToken,
                     avx512::probe, avx512::probeFlop};
}
