#include "gates.h"

#include <chrono>
#include <thread>

namespace loci {
namespace {

constexpr int32_t heartbeatWord = gatesMax * 2, stallMsWord = heartbeatWord + 1;
/** A layer takes about as long as this many looks; then others get the core, then a pause. */
constexpr int spinsMax = 2000, yieldsMax = 50;
constexpr auto pause = std::chrono::microseconds(20);

int32_t load(const int32_t * word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }

void relax() {
#if defined(__x86_64__) || defined(_M_X64)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/** Failed or timed out: whoever sees it first opens the gate for all. */
void awaitSlowly(int32_t * gates, int32_t gate, int32_t layer) {
    using Time = std::chrono::steady_clock;
    int32_t seen = load(gates + heartbeatWord);
    Time::time_point seenAt = Time::now();
    for (int round = 0; load(gates + gate) <= layer; round++) {
        if (round < yieldsMax) {
            std::this_thread::yield();
            continue;
        }
        std::this_thread::sleep_for(pause);
        const int32_t beat = load(gates + heartbeatWord);
        const Time::time_point now = Time::now();
        if (beat != seen) {
            seen = beat;
            seenAt = now;
        } else if (now - seenAt > std::chrono::milliseconds(load(gates + stallMsWord))) {
            failGate(gates, gate);
        }
    }
}

}  // namespace

void awaitGate(int32_t * gates, int32_t gate, int32_t layer) {
    for (int spin = 0; spin < spinsMax; spin++) {
        if (load(gates + gate) > layer) return;
        relax();
    }
    awaitSlowly(gates, gate, layer);
}

void advanceGate(int32_t * gates, int32_t gate, int32_t layers) {
    // A waiter that gave up opened the gate further; it stays open.
    int32_t known = load(gates + gate);
    while (known < layers && !__atomic_compare_exchange_n(gates + gate, &known, layers, false,
                                                          __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
    beatGates(gates);
}

void failGate(int32_t * gates, int32_t gate) {
    __atomic_store_n(gates + gatesMax + gate, 1, __ATOMIC_RELEASE);
    advanceGate(gates, gate, layersOpen);
}

void beatGates(int32_t * gates) {
    __atomic_fetch_add(gates + heartbeatWord, 1, __ATOMIC_RELAXED);
}

}  // namespace loci
