// A block of GPU threads as fibres of one CPU thread. A fibre runs until it meets a barrier or an
// instruction of its whole warp, and goes on when all others have arrived.
#pragma once

#include <csetjmp>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace loci::emulated {

constexpr int warpLanes = 32;

struct Copy {
    void * target;
    const void * source;
    int bytes;
    bool valid;
};

struct Fibre {
    int index = 0;
    enum class State { ready, atBarrier, inWarp, done } state = State::ready;
    std::vector<std::vector<Copy>> groups;  // committed, oldest first
    std::vector<Copy> open;
    std::unique_ptr<uint8_t[]> stack;
    jmp_buf context;
    bool started = false;

    void commitCopies();
    /** Does the copies of all groups but the latest `left`. */
    void waitCopies(int left);
};

/** A warp whose lanes are meeting in one instruction. */
struct Warp {
    int arrived = 0;
    const void * instruction = nullptr;
    const void * inputs[warpLanes];
    void * outputs[warpLanes];
};

class Block {
public:
    int x = 0, y = 0, threadCount = 0;
    uint8_t * shared = nullptr;
    int64_t sharedBytes = 0;

    /** Runs `kernel` on every thread. Aborts with a line when threads wait for each other forever. */
    void run(const std::function<void()> & kernel, unsigned seed);

    void sync();
    void copyLater(void * target, const void * source, int bytes, bool valid);
    /** Aborts unless the eight rows of a matrix lie in shared memory, in different banks. */
    void checkMatrixRows(const void * const * rows) const;

    /** The lane's arrival in an instruction; true for the last of the warp. */
    bool arrive(const void * instruction, const void * input, void * output);
    Warp & warp();
    void leaveWarp();
    /** Back to the scheduler, until the state is ready again. */
    void suspend(Fibre::State state);

    Fibre * current = nullptr;

private:
    std::vector<Fibre> fibres;
    std::vector<Warp> warps;
    std::vector<int> order;
    jmp_buf scheduler;
    const std::function<void()> * kernel = nullptr;

    static void enter();
    void resume(Fibre & fibre);
    bool runReady();
};

Block & block();
inline Fibre & thread() { return *block().current; }

/** Memory that kernels may read and write besides the shared one; copies must stay within. */
void allowMemory(const void * start, int64_t bytes);
void forbidMemory(const void * start);

[[noreturn]] void fail(const char * message);

/** An instruction of a whole warp: the last lane to arrive computes every lane's result. */
template <typename Output, typename Input, typename Compute>
Output together(const Input & input, Compute compute) {
    static const char instruction = 0;
    Output output;
    Block & here = block();
    if (!here.arrive(&instruction, &input, &output)) return output;
    const Input * inputs[warpLanes];
    Output * outputs[warpLanes];
    for (int lane = 0; lane < warpLanes; lane++) {
        inputs[lane] = (const Input *)here.warp().inputs[lane];
        outputs[lane] = (Output *)here.warp().outputs[lane];
    }
    compute(inputs, outputs);
    here.leaveWarp();
    return output;
}

}  // namespace loci::emulated
