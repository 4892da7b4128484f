// How near attention comes to what a card can do, as shares of ceilings measured in the same run: decode of
// the bandwidth of a copy, prefill of the matrix rate (measured by matrix-rate.py and passed in). A head shape
// of 7B and 8B models: 32 query heads over 8 kv heads of 128 dims.
//
//   attention-bench DRIVER MODULE [MATRIX TFLOP/S] [CONTEXT TOKENS] [SEQUENCES]

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <random>

#include "step.h"

using namespace loci;
using namespace loci::check;

namespace {

constexpr int repeats = 20;

/** Milliseconds; the median of repeated runs, after some that warm up. */
double medianMs(Driver & driver, const std::function<void()> & work) {
    for (int i = 0; i < 3; i++) work();
    std::vector<float> times;
    for (int i = 0; i < repeats; i++) times.push_back(driver.time(work));
    std::sort(times.begin(), times.end());
    return double(times[times.size() / 2]);
}

std::vector<float> normals(size_t count) {
    std::mt19937 engine(1);
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float & value : values) value = normal(engine);
    return values;
}

/** A pool whose every block holds random keys and values: zeros would be faster than real ones. */
class Pool {
public:
    Pool(Driver & driver, const Shape & shape) : bytes(driver, size_t(shape.blockBytes()) * shape.blocks) {
        const size_t period = std::min(bytes.size(), size_t(32) << 20);
        std::vector<uint16_t> halves(period / 2);
        std::mt19937 engine(2);
        std::normal_distribution<float> normal;
        for (uint16_t & half : halves) {
            const _Float16 value = _Float16(normal(engine));
            std::memcpy(&half, &value, 2);
        }
        driver.upload(bytes.get(), halves.data(), period);
        for (size_t done = period; done < bytes.size(); done += period) {
            driver.copy(bytes.get() + done, bytes.get(), std::min(period, bytes.size() - done));
        }
        driver.wait();
    }
    DeviceArray<uint8_t> bytes;
};

struct Batch {
    int sequences, contextTokens, queryTokens;
    bool scattered;
};

class Bench {
public:
    Bench(Driver & driver, double matrixRate) : driver(driver), matrixRate(matrixRate) {}

    void measureCopy() {
        const size_t size = driver.name.rfind("emulated", 0) == 0 ? 1 << 20 : size_t(2) << 30;
        const DeviceArray<uint8_t> source(driver, size), target(driver, size);
        const double ms = medianMs(driver, [&] { driver.copy(target.get(), source.get(), size); });
        copyBytesPerMs = 2.0 * double(size) / ms;
        std::printf("%-58s %9.3f ms  %7.1f GB/s\n", "copy, read and written", ms, copyBytesPerMs / 1e6);
    }

    /** Milliseconds of one layer's attention. */
    double attend(const char * name, const Shape & shape, Batch batch, PlanLimits limits) {
        const Tables tables(shape, batch);
        std::vector<Slice> slices;
        for (const auto & table : tables.list) {
            slices.push_back({batch.queryTokens, batch.contextTokens - batch.queryTokens, &table});
        }
        return measure(name, shape, batch, slices, limits);
    }

    /** Every query token as a walk of its own, as kernels for single queries do it. */
    double attendOneByOne(const char * name, const Shape & shape, Batch batch, PlanLimits limits) {
        const Tables tables(shape, batch);
        std::vector<Slice> slices;
        for (const auto & table : tables.list) {
            for (int i = batch.queryTokens; i > 0; i--) {
                slices.push_back({1, batch.contextTokens - i, &table});
            }
        }
        return measure(name, shape, batch, slices, limits);
    }

private:
    Driver & driver;
    double matrixRate, copyBytesPerMs = 0;

    struct Tables {
        std::vector<std::vector<int32_t>> list;
        Tables(const Shape & shape, Batch batch) {
            std::vector<int32_t> blocks(static_cast<size_t>(shape.blocks));
            std::iota(blocks.begin(), blocks.end(), 0);
            if (batch.scattered) std::shuffle(blocks.begin(), blocks.end(), std::mt19937(3));
            const int each = (batch.contextTokens + shape.blockTokens - 1) / shape.blockTokens;
            for (int i = 0; i < batch.sequences; i++) {
                list.emplace_back(blocks.begin() + i * each, blocks.begin() + (i + 1) * each);
            }
        }
    };

    double measure(const char * name, const Shape & shape, Batch batch, const std::vector<Slice> & slices,
                   PlanLimits limits) {
        const Pool pool(driver, shape);
        const StepPlan plan(shape, slices, limits);
        const DeviceArray<float> queries(
            driver, normals(size_t(plan.tokens) * shape.queryHeads() * shape.headSize));
        Step step(driver, shape, plan, pool.bytes.get());
        const double ms = medianMs(driver, [&] { step.attend(queries.get()); });
        if (step.failed() != 0) stop(std::string(name) + ": failure");
        for (const float value : step.results.read()) {
            if (!std::isfinite(value)) stop(std::string(name) + ": a result is not finite");
        }
        const double bytes = double(batch.sequences) * batch.contextTokens * 2 *
                             (double(shape.partBytes()) / shape.blockTokens) * shape.kvHeads;
        const double seen = batch.contextTokens - (batch.queryTokens - 1) / 2.0;
        const double flop = 4.0 * batch.sequences * batch.queryTokens * seen * shape.queryHeads() *
                            shape.headSize;
        std::printf("%-58s %9.3f ms  %7.1f GB/s = %5.1f %% of copy  %6.1f TFLOP/s", name, ms,
                    bytes / ms / 1e6, 100 * bytes / ms / copyBytesPerMs, flop / ms / 1e9);
        if (matrixRate > 0) std::printf(" = %5.1f %% of the matrix rate", flop / ms / 1e7 / matrixRate);
        std::printf("\n");
        return ms;
    }
};

}  // namespace

int main(int count, char ** arguments) {
    if (count < 3) stop("attention-bench DRIVER MODULE [MATRIX TFLOP/S] [CONTEXT TOKENS] [SEQUENCES]");
    Driver driver(arguments[1], arguments[2]);
    const int context = count > 4 ? std::atoi(arguments[4]) : 4096;
    const int sequences = count > 5 ? std::atoi(arguments[5]) : 64;
    Bench bench(driver, count > 3 ? std::atof(arguments[3]) : 0);
    Shape shape{128, 8, 4, 32, sequences * ((context + 31) / 32), "f16"};
    const int widest = kernelSize(128, false, 128).sharedBytes <= driver.sharedBytesMax ? 128 : 64;
    std::printf("%s, %d processors; context %d, %d sequences, 8 x 4 heads of 128, blocks of 32\n",
                driver.name.c_str(), driver.processors, context, sequences);
    bench.measureCopy();
    const Batch decode{sequences, context, 1, true};
    for (const int walk : {256, 512, 1024, 1 << 20}) {
        const std::string name = "decode, f16, walks of " + std::to_string(walk);
        bench.attend(name.c_str(), shape, decode, {widest, walk});
    }
    const double paged = bench.attend("decode, f16, scattered blocks", shape, decode, {widest, 512});
    const double contiguous =
        bench.attend("decode, f16, blocks in order", shape, {sequences, context, 1, false}, {widest, 512});
    std::printf("paged over contiguous: %.3f\n", paged / contiguous);
    Shape quantized = shape;
    quantized.type = "q8_0";
    bench.attend("decode, q8_0", quantized, decode, {widest, 512});
    bench.attend("decode, one sequence", shape, {1, context, 1, true}, {widest, 128});
    const int chunk = std::min(32, context);
    const Batch several{std::min(sequences, 8), context, chunk, true};
    const double together = bench.attend("32 tokens each of 8 sequences", shape, several, {widest, 512});
    const double single = bench.attendOneByOne("the same, one token at a time", shape, several, {16, 512});
    std::printf("one token at a time over together: %.2f\n", single / together);
    for (const int rows : {64, 128}) {
        if (rows > widest) continue;
        const std::string name = "prefill, whole context, f16, " + std::to_string(rows) + " rows";
        bench.attend(name.c_str(), shape, {1, context, context, true}, {rows, 1 << 20});
        const Batch four{std::min(4, sequences), context, context, true};
        bench.attend((name + ", 4 sequences").c_str(), shape, four, {rows, 1 << 20});
    }
    bench.attend("prefill, whole context, q8_0", quantized, {1, context, context, true}, {widest, 1 << 20});
}
