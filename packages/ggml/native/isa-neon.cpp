// The attention code for NEON; compiled with that set's flags alone.
#define LOCI_ISA_NEON

#include <arm_neon.h>

#include "kv-format.h"

namespace loci::neon {
#include "attend.h"
#include "store.h"
}

namespace loci {
extern const Isa neonIsa;
const Isa neonIsa = {"neon", neon::attend, neon::merge, neon::storeToken,
                     neon::probe, neon::probeFlop};
}
