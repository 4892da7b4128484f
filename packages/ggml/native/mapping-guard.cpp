// A mapped model file that shrinks must not end the process: reading beyond its new end raises
// SIGBUS. Within guarded ranges the handler puts a zero page there and raises a flag, which the
// runner looks at after each step; any other SIGBUS goes to whoever handled it before.

#include <atomic>
#include <cstdint>

#include "exports.h"

#if !defined(_WIN32)
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace loci {

#if !defined(_WIN32)

namespace {

constexpr int rangesMax = 64;

/** A range is in use while its end is not 0; the start is written first. */
struct Range {
    std::atomic<uintptr_t> start{0}, end{0};
};

Range ranges[rangesMax];
std::atomic<int> tripped{0};
std::atomic<bool> installed{false};
struct sigaction previous;
uintptr_t pageBytes = 4096;

bool isGuarded(uintptr_t address) {
    for (const Range & range : ranges) {
        const uintptr_t end = range.end.load(std::memory_order_acquire);
        if (end != 0 && address >= range.start.load(std::memory_order_relaxed) && address < end) {
            return true;
        }
    }
    return false;
}

void passOn(int signal, siginfo_t * info, void * context) {
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(signal, info, context);
    } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
        sigaction(signal, &previous, nullptr);  // the fault comes again and ends the process
    } else {
        previous.sa_handler(signal);
    }
}

void onBusError(int signal, siginfo_t * info, void * context) {
    const uintptr_t address = (uintptr_t)info->si_addr;
    if (!isGuarded(address)) return passOn(signal, info, context);
    // A plain system call, and all that happens here besides a store.
    void * const page = (void *)(address / pageBytes * pageBytes);
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (mmap(page, pageBytes, PROT_READ, flags, -1, 0) == MAP_FAILED) {
        return passOn(signal, info, context);
    }
    tripped.store(1);
}

bool install() {
    if (installed.exchange(true)) return true;
    pageBytes = uintptr_t(sysconf(_SC_PAGESIZE));
    struct sigaction action {};
    action.sa_sigaction = onBusError;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGBUS, &action, &previous) == 0) return true;
    installed.store(false);
    return false;
}

}  // namespace

/** Called from one thread at a time. False when there is no room or no handler to be had. */
LOCI_EXPORT bool loci_guard_mapping(void * address, int64_t bytes) {
    if (address == nullptr || bytes <= 0 || !install()) return false;
    for (Range & range : ranges) {
        if (range.end.load() != 0) continue;
        range.start.store((uintptr_t)address);
        range.end.store((uintptr_t)address + uintptr_t(bytes), std::memory_order_release);
        return true;
    }
    return false;
}

/** Forgets the range that starts at `address`; call it before unmapping. */
LOCI_EXPORT void loci_guard_clear(void * address) {
    for (Range & range : ranges) {
        if (range.start.load() == (uintptr_t)address) range.end.store(0);
    }
}

LOCI_EXPORT int loci_guard_tripped() { return tripped.load(); }

#else

LOCI_EXPORT bool loci_guard_mapping(void *, int64_t) { return false; }
LOCI_EXPORT void loci_guard_clear(void *) {}
LOCI_EXPORT int loci_guard_tripped() { return 0; }

#endif

}  // namespace loci
