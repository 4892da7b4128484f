// The attention code for AVX2; compiled with that set's flags alone.
#define LOCI_ISA_AVX2

#include <immintrin.h>

#include "kv-format.h"

namespace loci::avx2 {
#include "attend.h"
#include "store.h"
}

namespace loci {
extern const Isa avx2Isa;
const Isa avx2Isa = {"avx2", avx2::attend, avx2::merge, avx2::storeToken,
                     avx2::probe, avx2::probeFlop};
}
