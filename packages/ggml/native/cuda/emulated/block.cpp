#include "block.h"

#include <ucontext.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

namespace loci::emulated {
namespace {

constexpr size_t stackBytes = 64 * 1024;
/** Bytes of a NaN, in f16 as in f32. */
constexpr int poison = 0xff;

std::map<uintptr_t, int64_t> allowed;

bool isAllowed(const void * start, int64_t bytes) {
    auto next = allowed.upper_bound(uintptr_t(start));
    if (next == allowed.begin()) return false;
    --next;
    return uintptr_t(start) + bytes <= next->first + next->second;
}

}  // namespace

Block & block() {
    static thread_local Block only;
    return only;
}

void allowMemory(const void * start, int64_t bytes) { allowed[uintptr_t(start)] = bytes; }
void forbidMemory(const void * start) { allowed.erase(uintptr_t(start)); }

void fail(const char * message) {
    const Fibre * const current = block().current;
    std::fprintf(stderr, "emulated GPU: %s (block %d, %d; thread %d)\n", message, block().x, block().y,
                 current == nullptr ? -1 : current->index);
    std::exit(1);
}

void Fibre::commitCopies() {
    groups.push_back(std::move(open));
    open.clear();
}

void Fibre::waitCopies(int left) {
    while (int(groups.size()) > left) {
        for (const Copy & copy : groups.front()) {
            if (copy.valid) std::memcpy(copy.target, copy.source, size_t(copy.bytes));
            else std::memset(copy.target, 0, size_t(copy.bytes));
        }
        groups.erase(groups.begin());
    }
}

void Block::copyLater(void * target, const void * source, int bytes, bool valid) {
    if (uintptr_t(target) % bytes != 0 || uintptr_t(source) % bytes != 0) fail("a copy is not aligned");
    if ((uint8_t *)target < shared || (uint8_t *)target + bytes > shared + sharedBytes) {
        fail("a copy leaves shared memory");
    }
    if (valid && !isAllowed(source, bytes)) fail("a copy reads memory that nobody gave");
    std::memset(target, poison, size_t(bytes));
    current->open.push_back({target, source, bytes, valid});
}

void Block::checkMatrixRows(const void * const * rows) const {
    bool taken[8] = {};
    for (int i = 0; i < 8; i++) {
        const uint8_t * const row = (const uint8_t *)rows[i];
        if (uintptr_t(row) % 16 != 0) fail("a matrix row is not aligned");
        if (row < shared || row + 16 > shared + sharedBytes) fail("a matrix leaves shared memory");
        bool & bank = taken[(row - shared) / 16 % 8];
        if (bank) fail("rows of a matrix share a bank");
        bank = true;
    }
}

Warp & Block::warp() { return warps[size_t(current->index / warpLanes)]; }

bool Block::arrive(const void * instruction, const void * input, void * output) {
    Warp & mine = warp();
    if (mine.arrived == 0) mine.instruction = instruction;
    if (mine.instruction != instruction) fail("lanes of a warp meet in different instructions");
    const int lane = current->index % warpLanes;
    mine.inputs[lane] = input;
    mine.outputs[lane] = output;
    if (++mine.arrived == warpLanes) return true;
    suspend(Fibre::State::inWarp);
    return false;
}

void Block::leaveWarp() {
    warp().arrived = 0;
    const int first = current->index / warpLanes * warpLanes;
    for (int lane = 0; lane < warpLanes; lane++) fibres[size_t(first + lane)].state = Fibre::State::ready;
}

void Block::sync() { suspend(Fibre::State::atBarrier); }

void Block::suspend(Fibre::State state) {
    current->state = state;
    if (_setjmp(current->context) == 0) _longjmp(scheduler, 1);
}

void Block::enter() {
    Block & here = block();
    (*here.kernel)();
    here.suspend(Fibre::State::done);
}

void Block::resume(Fibre & fibre) {
    current = &fibre;
    if (_setjmp(scheduler) != 0) return;
    if (fibre.started) _longjmp(fibre.context, 1);
    fibre.started = true;
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = fibre.stack.get();
    context.uc_stack.ss_size = stackBytes;
    context.uc_link = nullptr;
    makecontext(&context, enter, 0);
    setcontext(&context);
}

/** False when no fibre could go on. */
bool Block::runReady() {
    bool any = false;
    for (const int index : order) {
        if (fibres[size_t(index)].state != Fibre::State::ready) continue;
        resume(fibres[size_t(index)]);
        any = true;
    }
    return any;
}

void Block::run(const std::function<void()> & kernelToRun, unsigned seed) {
    kernel = &kernelToRun;
    std::mt19937 random(seed);
    fibres.resize(size_t(std::max(threadCount, int(fibres.size()))));
    warps.assign(size_t(threadCount / warpLanes), Warp{});
    order.resize(size_t(threadCount));
    for (int index = 0; index < threadCount; index++) {
        Fibre & fibre = fibres[size_t(index)];
        order[size_t(index)] = fibre.index = index;
        fibre.state = Fibre::State::ready;
        fibre.started = false;
        fibre.groups.clear();
        fibre.open.clear();
        if (fibre.stack == nullptr) fibre.stack.reset(new uint8_t[stackBytes]);
    }
    for (;;) {
        std::shuffle(order.begin(), order.end(), random);
        while (runReady()) continue;
        int done = 0, waiting = 0;
        for (const int index : order) {
            const Fibre::State state = fibres[size_t(index)].state;
            done += state == Fibre::State::done;
            waiting += state == Fibre::State::atBarrier;
        }
        if (done == threadCount) break;
        if (waiting != threadCount) fail("some threads wait for others that do not come");
        for (const int index : order) fibres[size_t(index)].state = Fibre::State::ready;
    }
    current = nullptr;
}

}  // namespace loci::emulated
