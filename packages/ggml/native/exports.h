// The C interface. Everything else in the library is hidden.
#pragma once

#if defined(_WIN32)
#define LOCI_EXPORT extern "C" __declspec(dllexport)
#else
#define LOCI_EXPORT extern "C" __attribute__((visibility("default")))
#endif
