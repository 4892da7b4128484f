// Attention on a GPU against attention in float64, without JavaScript: random ragged steps over
// scattered blocks, for every kernel there is. The same program runs on a card and on the emulation.
//
//   attention-check DRIVER MODULE RUNS [SEED]       exit code 1 and a line when a row is off

#include <cmath>
#include <cstring>
#include <memory>
#include <random>

#include "step.h"

using namespace loci;
using namespace loci::check;

namespace {

class Random {
public:
    explicit Random(unsigned seed) : engine(seed) {}
    int integer(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine); }
    template <typename T>
    T pick(std::initializer_list<T> values) {
        return values.begin()[integer(0, int(values.size()) - 1)];
    }
    std::vector<float> normals(size_t count, float spread) {
        std::normal_distribution<float> normal(0, spread);
        std::vector<float> values(count);
        for (float & value : values) value = normal(engine);
        return values;
    }
    std::mt19937 engine;
};

float roundHalf(float value) { return float(_Float16(value)); }

/** A sequence's blocks, and all of its keys and values as they were given. */
struct Sequence {
    std::vector<int32_t> table;
    int tokens;
    std::vector<float> keys, values;  // [token][kv head][dim]
    int firstToken = 0;               // in the step
};

/** What the cache gives back for a row of `source`: as `type` rounds it. */
std::vector<double> cached(const Shape & shape, const float * source) {
    std::vector<double> row(size_t(shape.headSize));
    for (int dim = 0; dim < shape.headSize; dim++) row[size_t(dim)] = roundHalf(source[dim]);
    if (shape.type == "f16") return row;
    for (int first = 0; first < shape.headSize; first += 32) {
        const int end = std::min(first + 32, shape.headSize);
        float largest = 0;
        for (int dim = first; dim < end; dim++) largest = std::max(largest, std::fabs(source[dim]));
        const float scale = roundHalf(largest / 127.0f), inverse = scale > 0 ? 1.0f / scale : 0.0f;
        for (int dim = first; dim < end; dim++) {
            const float quant = std::rint(std::max(-127.0f, std::min(127.0f, source[dim] * inverse)));
            row[size_t(dim)] = roundHalf(quant * scale);
        }
    }
    return row;
}

double dot(const std::vector<double> & left, const std::vector<double> & right) {
    double sum = 0;
    for (size_t i = 0; i < left.size(); i++) sum += left[i] * right[i];
    return sum;
}

/** Attention as its definition reads. */
std::vector<double> reference(const Shape & shape, const std::vector<double> & query, int position,
                              const std::vector<std::vector<double>> & keys,
                              const std::vector<std::vector<double>> & values) {
    const int first = shape.window > 0 ? std::max(0, position + 1 - shape.window) : 0;
    std::vector<double> scores;
    double largest = -1e300, sum = 0;
    for (int at = first; at <= position; at++) {
        double score = dot(query, keys[size_t(at)]) * shape.scale();
        if (shape.softCap > 0) score = shape.softCap * std::tanh(score / shape.softCap);
        scores.push_back(score);
        largest = std::max(largest, score);
    }
    std::vector<double> output(query.size(), 0.0);
    for (int at = first; at <= position; at++) {
        const double weight = std::exp(scores[size_t(at - first)] - largest);
        sum += weight;
        for (size_t dim = 0; dim < output.size(); dim++) {
            output[dim] += weight * values[size_t(at)][dim];
        }
    }
    for (double & value : output) value /= sum;
    return output;
}

class Case {
public:
    Case(Driver & driver, Random & random, Shape shapeOf, int rowsOf)
        : driver(driver), random(random), shape(shapeOf), rows(rowsOf) {
        std::vector<int32_t> blocks(static_cast<size_t>(shape.blocks));
        for (int i = 0; i < shape.blocks; i++) blocks[size_t(i)] = i;
        std::shuffle(blocks.begin(), blocks.end(), random.engine);
        const int count = random.integer(1, 4);
        for (int i = 0; i < count; i++) addSequence(blocks);
    }

    /** The largest error of a row, relative to the size of values; stops when something is wrong. */
    double run() {
        DeviceArray<uint8_t> pool(driver, size_t(shape.blockBytes()) * size_t(shape.blocks));
        driver.fill(pool.get(), 0xffffffffu, pool.size() / 4);  // NaNs where nobody wrote
        storeAll(pool.get());
        std::vector<Slice> slices;
        std::vector<const Sequence *> owners;
        for (const Sequence & sequence : sequences) addSlices(sequence, slices, owners);
        const StepPlan plan(shape, slices, {rows, random.pick({48, 130, 1 << 20})});
        const size_t width = size_t(shape.queryHeads()) * size_t(shape.headSize);
        const std::vector<float> queries = random.normals(size_t(plan.tokens) * width, 2);
        const DeviceArray<float> onDevice(driver, queries);
        Step step(driver, shape, plan, pool.get());
        step.attend(onDevice.get());
        if (step.failed() != 0) stop(describe() + ": failure " + std::to_string(step.failed()));
        return compare(slices, owners, queries, step.results.read());
    }

    std::string describe() const {
        return std::to_string(shape.headSize) + " dims, " + shape.type + ", " + std::to_string(rows) +
               " rows, " + std::to_string(shape.kvHeads) + " x " + std::to_string(shape.group) +
               " heads, blocks of " + std::to_string(shape.blockTokens) + ", window " +
               std::to_string(shape.window) + ", cap " + std::to_string(shape.softCap);
    }

private:
    Driver & driver;
    Random & random;
    Shape shape;
    int rows;
    std::vector<Sequence> sequences;

    void addSequence(std::vector<int32_t> & blocks) {
        Sequence sequence;
        const int fits = int(blocks.size()) * shape.blockTokens;
        if (fits == 0) return;
        sequence.tokens = std::min(fits, random.pick({random.integer(1, 20), random.integer(20, 330)}));
        for (int at = 0; at < sequence.tokens; at += shape.blockTokens) {
            sequence.table.push_back(blocks.back());
            blocks.pop_back();
        }
        const size_t elements = size_t(sequence.tokens) * shape.kvHeads * shape.headSize;
        sequence.keys = random.normals(elements, 1);
        sequence.values = random.normals(elements, 1);
        sequences.push_back(std::move(sequence));
    }

    /** One step that only stores: every token of every sequence. */
    void storeAll(uint8_t * pool) {
        std::vector<Slice> slices;
        std::vector<float> keys, values;
        for (const Sequence & sequence : sequences) {
            slices.push_back({sequence.tokens, 0, &sequence.table});
            keys.insert(keys.end(), sequence.keys.begin(), sequence.keys.end());
            values.insert(values.end(), sequence.values.begin(), sequence.values.end());
        }
        const StepPlan plan(shape, slices, {rows, 1 << 20});
        const DeviceArray<float> keysOnDevice(driver, keys), valuesOnDevice(driver, values);
        Step step(driver, shape, plan, pool);
        step.store(keysOnDevice.get(), valuesOnDevice.get());
        if (step.failed() != 0) stop(describe() + ": storing failed");
    }

    /** Decode, the end of a prompt, all of it, or two ranges with a hole in between. */
    void addSlices(const Sequence & sequence, std::vector<Slice> & slices,
                   std::vector<const Sequence *> & owners) {
        const int tokens = sequence.tokens;
        const auto add = [&](int count, int position) {
            slices.push_back({count, position, &sequence.table});
            owners.push_back(&sequence);
        };
        const int kind = random.integer(0, 3);
        if (kind == 0 || tokens < 4) return add(1, tokens - 1);
        if (kind == 1) return add(tokens, 0);
        const int last = random.integer(1, tokens / 2);
        if (kind == 3) add(random.integer(1, tokens - last - 1), 0);
        add(last, tokens - last);
    }

    double compare(const std::vector<Slice> & slices, const std::vector<const Sequence *> & owners,
                   const std::vector<float> & queries, const std::vector<float> & results) {
        double worst = 0;
        size_t at = 0;
        for (size_t s = 0; s < slices.size(); s++) {
            const size_t count = size_t(slices[s].tokens) * shape.queryHeads() * shape.headSize;
            for (int head = 0; head < shape.kvHeads; head++) {
                worst = std::max(worst, compareHead(slices[s], *owners[s], head, &queries[at], &results[at]));
            }
            at += count;
        }
        return worst;
    }

    double compareHead(const Slice & slice, const Sequence & sequence, int head, const float * queries,
                       const float * results) {
        std::vector<std::vector<double>> keys, values;
        for (int token = 0; token < sequence.tokens; token++) {
            const size_t at = size_t(token * shape.kvHeads + head) * shape.headSize;
            keys.push_back(cached(shape, &sequence.keys[at]));
            values.push_back(cached(shape, &sequence.values[at]));
        }
        double worst = 0;
        for (int token = 0; token < slice.tokens; token++) {
            for (int i = 0; i < shape.group; i++) {
                const int row = token * shape.queryHeads() + head * shape.group + i;
                const size_t at = size_t(row) * shape.headSize;
                std::vector<double> query;
                for (int dim = 0; dim < shape.headSize; dim++) query.push_back(roundHalf(queries[at + dim]));
                const auto expected = reference(shape, query, slice.position + token, keys, values);
                worst = std::max(worst, rowError(expected, &results[at]));
            }
        }
        return worst;
    }

    double rowError(const std::vector<double> & expected, const float * result) const {
        double difference = 0, size = 0;
        for (size_t dim = 0; dim < expected.size(); dim++) {
            if (!std::isfinite(result[dim])) stop(describe() + ": a result is not finite");
            difference += (expected[dim] - result[dim]) * (expected[dim] - result[dim]);
            size += expected[dim] * expected[dim];
        }
        return std::sqrt(difference / std::max(size, 1e-6));
    }
};

/** Weights are rounded to f16 before they meet the values: 2^-11, and sums of many. */
constexpr double errorMax = 2e-3;

}  // namespace

int main(int count, char ** arguments) {
    if (count < 4) stop("attention-check DRIVER MODULE RUNS [SEED]");
    Driver driver(arguments[1], arguments[2]);
    const int runs = std::atoi(arguments[3]);
    Random random(count > 4 ? unsigned(std::atoi(arguments[4])) : 1);
    double worst = 0;
    int cases = 0;
    for (int run = 0; run < runs; run++) {
        for (const int headSize : {64, 80, 96, 128, 192, 256}) {
            for (const int rows : {16, 64, 128}) {
                if (rows == 128 && headSize > 128) continue;
                Shape shape{headSize, random.integer(1, 2), random.pick({1, 3, 4, 8}),
                            random.pick({16, 32, 64, 128}), 64, random.pick({"f16", "q8_0"})};
                if (random.integer(0, 3) == 0) shape.window = random.integer(1, 200);
                if (random.integer(0, 3) == 0) shape.softCap = random.pick({5.0, 30.0});
                const KernelSize size = kernelSize(headSize, shape.type == "q8_0", rows);
                if (size.sharedBytes > driver.sharedBytesMax) continue;
                Case one(driver, random, shape, rows);
                const double error = one.run();
                if (!(error < errorMax)) stop(one.describe() + ": error " + std::to_string(error));
                worst = std::max(worst, error);
                cases++;
            }
        }
    }
    std::printf("%s: %d cases agree with float64, largest error %.1e\n", driver.name.c_str(), cases, worst);
}
