// The attention code for BASELINE; compiled with that set's flags alone.
#define LOCI_ISA_BASELINE

#include "kv-format.h"

namespace loci::baseline {
#include "attend.h"
#include "store.h"
}

namespace loci {
extern const Isa baselineIsa;
const Isa baselineIsa = {"baseline", baseline::attend, baseline::merge, baseline::storeToken,
                     baseline::probe, baseline::probeFlop};
}
