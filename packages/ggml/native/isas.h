// The instruction sets this library was built with, best first, and which of them run here.
#pragma once

#include "kv-format.h"

namespace loci {

/** The instruction set called `name`, or the best one for null; null when it cannot run here. */
const Isa * findIsa(const char * name);

}  // namespace loci
