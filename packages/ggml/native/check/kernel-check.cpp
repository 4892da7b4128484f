// The kernel against attention in double precision, without JavaScript: for processors that are
// emulated and for sanitizers. Random ragged batches; long walks cut into parts; scattered blocks.
//
//   kernel-check <instruction set> <runs> [seed]      exit code 1 and a line when a row is off

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "../ggml-tensor.h"
#include "../layer.h"
#include "../plan.h"

using namespace loci;

extern "C" {
const char * loci_isa(const char *);
const char * loci_take_failure();
Workspace * loci_workspace_create(int64_t, int64_t, int64_t, int64_t, int64_t);
void loci_workspace_free(Workspace *);
Layer * loci_layer_create(const LayerOptions *, const char *);
void loci_layer_free(Layer *);
void loci_kv_write(GgmlTensor *, int, int, void *);
void loci_paged_attention(GgmlTensor *, int, int, void *);
bool loci_run_threads(void (*)(GgmlTensor *, int, int, void *), GgmlTensor *, int, void *);
}

namespace {

struct Shape {
    int64_t headSize, kvHeads, group, blockTokens, blocks;
    KvType keyType, valueType;
    double scale, softCap;
    int64_t window;
    int threads;

    int64_t partBytesOf(KvType type) const { return partBytes(type, headSize, blockTokens); }
    int64_t headBytes() const { return partBytesOf(keyType) + partBytesOf(valueType); }
    int64_t blockBytes() const { return headBytes() * kvHeads; }
};

struct Slice {
    int64_t tokens, position;
    std::vector<int32_t> table;
};

class Random {
public:
    explicit Random(unsigned seed) : engine(seed) {}
    int64_t integer(int64_t low, int64_t high) {
        return std::uniform_int_distribution<int64_t>(low, high)(engine);
    }
    template <typename T>
    T pick(std::initializer_list<T> values) {
        return values.begin()[integer(0, int64_t(values.size()) - 1)];
    }
    std::vector<float> floats(int64_t count, float amplitude) {
        std::uniform_real_distribution<float> uniform(-amplitude, amplitude);
        std::vector<float> result(static_cast<size_t>(count));
        for (float & value : result) value = uniform(engine);
        return result;
    }

private:
    std::mt19937 engine;
};

/** A plan as TypeScript would write it, with every walk cut into one to three parts. */
std::vector<int32_t> makePlan(const Shape & shape, const std::vector<Slice> & slices, Random & random,
                              int64_t & tiles, int64_t & slotRows) {
    std::vector<int32_t> tokens, tileInts_, items, segments, slots, tables;
    int64_t token = 0;
    tiles = slotRows = 0;
    for (const Slice & slice : slices) {
        const int64_t tableAt = int64_t(tables.size());
        tables.insert(tables.end(), slice.table.begin(), slice.table.end());
        for (int64_t i = 0; i < slice.tokens; i++) {
            const int64_t at = slice.position + i;
            tokens.push_back(slice.table[size_t(at / shape.blockTokens)] * int32_t(shape.blockTokens) +
                             int32_t(at % shape.blockTokens));
        }
        const int64_t rows = slice.tokens * shape.group;
        const int64_t step = random.integer(1, tileRowsMax);
        for (int64_t row = 0; row < rows; row += step, tiles++) {
            const int64_t count = rows - row < step ? rows - row : step;
            const int64_t last = slice.position + (row + count - 1) / shape.group;
            const int64_t blocks = last / shape.blockTokens + 1;
            const int64_t wanted = random.integer(1, 3);
            const int64_t parts = wanted < blocks ? wanted : blocks;
            for (int64_t value : {token, slice.position, row, count, int64_t(slots.size()),
                                  parts > 1 ? parts : 0}) {
                tileInts_.push_back(int32_t(value));
            }
            for (int64_t part = 0; part < parts; part++) {
                int64_t slot = -1;
                if (parts > 1) {
                    slot = slotRows;
                    slotRows += count;
                    slots.push_back(int32_t(slot));
                }
                for (int64_t value : {int64_t(segments.size()) / segmentInts, int64_t(1), tableAt,
                                      blocks * part / parts, blocks * (part + 1) / parts, int64_t(0)}) {
                    items.push_back(int32_t(value));
                }
                segments.push_back(int32_t(tiles));
                segments.push_back(int32_t(slot));
            }
        }
        token += slice.tokens;
    }
    std::vector<int32_t> plan(headerInts, 0);
    const auto append = [&plan](const std::vector<int32_t> & part) {
        const int32_t at = int32_t(plan.size());
        plan.insert(plan.end(), part.begin(), part.end());
        return at;
    };
    const int32_t tokensAt = append(tokens), tilesAt = append(tileInts_), itemsAt = append(items);
    const int32_t segmentsAt = append(segments), slotsAt = append(slots), tablesAt = append(tables);
    for (size_t i = 0; i < tileInts_.size(); i += tileInts) plan[size_t(tilesAt) + i + 4] += slotsAt;
    for (size_t i = 0; i < items.size(); i += itemInts) plan[size_t(itemsAt) + i + 2] += tablesAt;
    const int32_t header[] = {planMagic, int32_t(plan.size()), int32_t(token),
                              int32_t(shape.blockTokens), int32_t(shape.group), int32_t(tiles),
                              int32_t(items.size() / itemInts),
                              int32_t(segments.size() / segmentInts), int32_t(slotRows), tokensAt,
                              tilesAt, itemsAt, segmentsAt};
    std::memcpy(plan.data(), header, sizeof header);
    return plan;
}

GgmlTensor tensorOf(int32_t type, void * data, int64_t a, int64_t b = 1, int64_t c = 1) {
    GgmlTensor tensor{};
    tensor.type = type;
    tensor.data = data;
    const int64_t ne[] = {a, b, c, 1};
    size_t stride = 4;
    for (int i = 0; i < 4; i++) {
        tensor.ne[i] = ne[i];
        tensor.nb[i] = stride;
        stride *= size_t(ne[i]);
    }
    return tensor;
}

double halfValue(const uint8_t * source) {
    uint16_t half;
    std::memcpy(&half, source, 2);
    const int exponent = half >> 10 & 31, mantissa = half & 1023;
    const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24)
                                           : std::ldexp(1024 + mantissa, exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

/** Element `dim` of a cached key or value, read by the format's description. */
double element(const Shape & shape, const uint8_t * part, KvType type, bool key, int64_t token,
               int64_t dim) {
    const int64_t unit = token / 16, lane = token % 16, groups = (shape.headSize + 31) / 32;
    const int64_t at = key ? (unit * shape.headSize + dim) * 16 + lane : token * shape.headSize + dim;
    if (type == KvType::f32) {
        float value;
        std::memcpy(&value, part + at * 4, 4);
        return value;
    }
    if (type == KvType::f16) return halfValue(part + at * 2);
    const int64_t scale = key ? (unit * groups + dim / 32) * 16 + lane : token * groups + dim / 32;
    return halfValue(part + shape.headSize * shape.blockTokens + scale * 2) * int8_t(part[at]);
}

/** The largest error of a row, relative to its largest element. */
double rowError(const Shape & shape, const std::vector<uint8_t> & pool, const Slice & slice,
                const float * query, const float * result, int64_t position, int64_t head) {
    const int64_t first = shape.window > 0 && position + 1 > shape.window
                              ? position + 1 - shape.window : 0;
    std::vector<double> weights, output(size_t(shape.headSize), 0.0);
    const auto keysOf = [&](int64_t at) {
        return pool.data() + slice.table[size_t(at / shape.blockTokens)] * shape.blockBytes() +
               head * shape.headBytes();
    };
    double largest = -INFINITY, sum = 0, most = 0, error = 0;
    for (int64_t at = first; at <= position; at++) {
        double score = 0;
        for (int64_t dim = 0; dim < shape.headSize; dim++) {
            score += query[dim] * element(shape, keysOf(at), shape.keyType, true,
                                          at % shape.blockTokens, dim);
        }
        score *= shape.scale;
        if (shape.softCap > 0) score = shape.softCap * std::tanh(score / shape.softCap);
        weights.push_back(score);
        largest = std::fmax(largest, score);
    }
    for (double & weight : weights) sum += weight = std::exp(weight - largest);
    for (int64_t at = first; at <= position; at++) {
        const uint8_t * values = keysOf(at) + shape.partBytesOf(shape.keyType);
        for (int64_t dim = 0; dim < shape.headSize; dim++) {
            output[size_t(dim)] += weights[size_t(at - first)] / sum *
                                   element(shape, values, shape.valueType, false,
                                           at % shape.blockTokens, dim);
        }
    }
    for (double value : output) most = std::fmax(most, std::fabs(value));
    for (int64_t dim = 0; dim < shape.headSize; dim++) {
        const double off = std::fabs(output[size_t(dim)] - double(result[dim])) / most;
        error = off <= error ? error : off;
    }
    return error;
}

Shape randomShape(Random & random) {
    Shape shape{};
    shape.headSize = random.pick({16, 48, 64, 80, 128, 256});
    shape.kvHeads = random.integer(1, 2);
    shape.group = random.pick({1, 2, 3, 7, 16});
    shape.blockTokens = random.pick({16, 32, 64});
    shape.blocks = 64;
    shape.keyType = random.pick({KvType::f32, KvType::f16, KvType::q8_0});
    shape.valueType = random.pick({KvType::f32, KvType::f16, KvType::q8_0});
    shape.scale = 1 / std::sqrt(double(shape.headSize));
    shape.softCap = random.pick({0, 0, 20});
    shape.window = random.pick({0, 0, 1, 40});
    shape.threads = int(random.integer(1, 4));
    return shape;
}

void runOperator(void (*operation)(GgmlTensor *, int, int, void *), const Shape & shape,
                 GgmlTensor & dst, Layer * layer) {
    if (!loci_run_threads(operation, &dst, shape.threads, layer)) std::abort();
}

std::vector<Slice> randomSlices(Random & random, const Shape & shape) {
    std::vector<Slice> slices;
    int32_t nextBlock = 0;
    for (int64_t i = random.integer(1, 3); i > 0; i--) {
        Slice slice{random.pick({int64_t(1), random.integer(1, 30)}), random.integer(0, 150), {}};
        while (int64_t(slice.table.size()) * shape.blockTokens < slice.position + slice.tokens) {
            slice.table.push_back((nextBlock++ * 37) % int32_t(shape.blocks));
        }
        slices.push_back(slice);
    }
    return slices;
}

double worstRowError(const Shape & shape, const std::vector<uint8_t> & pool,
                     const std::vector<Slice> & slices, const std::vector<float> & queries,
                     const std::vector<float> & result) {
    const int64_t rowFloats = shape.kvHeads * shape.group * shape.headSize;
    double worst = 0;
    int64_t offset = 0;
    for (const Slice & slice : slices) {
        for (int64_t token = 0; token < slice.tokens; token++) {
            for (int64_t head = 0; head < shape.kvHeads * shape.group; head++) {
                const int64_t at = (offset + token) * rowFloats + head * shape.headSize;
                const double error =
                    rowError(shape, pool, slice, queries.data() + at, result.data() + at,
                             slice.position + token, head / shape.group);
                // An error that is no number must not pass for a small one.
                worst = error <= worst ? worst : error;
            }
        }
        offset += slice.tokens;
    }
    return worst;
}

double checkBatch(const char * isa, unsigned seed) {
    Random random(seed);
    const Shape shape = randomShape(random);
    const std::vector<Slice> slices = randomSlices(random, shape);
    int64_t tokens = 0;
    for (const Slice & slice : slices) tokens += slice.tokens;
    std::vector<uint8_t> pool(size_t(shape.blockBytes() * shape.blocks), 0xff);
    int64_t tiles, slotRows;
    std::vector<int32_t> plan = makePlan(shape, slices, random, tiles, slotRows);
    Workspace * space = loci_workspace_create(4, shape.headSize, shape.kvHeads, 1024, 8192);
    LayerOptions options{space, pool.data(), nullptr, shape.blocks, shape.blockBytes(), 0, shape.blockTokens,
                         shape.headSize, shape.kvHeads * shape.group, shape.kvHeads,
                         int64_t(shape.keyType), int64_t(shape.valueType), shape.window, 0,
                         shape.scale, shape.softCap};
    Layer * layer = loci_layer_create(&options, isa);
    if (layer == nullptr) std::abort();
    // Cached tokens first, each slice by a plan of its own; then the batch.
    float dummy = 0;
    GgmlTensor written = tensorOf(ggmlTypeF32, &dummy, 1);
    const auto write = [&](std::vector<int32_t> & ints, int64_t count) {
        std::vector<float> keys = random.floats(count * shape.kvHeads * shape.headSize, 2);
        std::vector<float> values = random.floats(count * shape.kvHeads * shape.headSize, 2);
        GgmlTensor k = tensorOf(ggmlTypeF32, keys.data(), shape.headSize, shape.kvHeads, count);
        GgmlTensor v = tensorOf(ggmlTypeF32, values.data(), shape.headSize, shape.kvHeads, count);
        GgmlTensor meta = tensorOf(ggmlTypeI32, ints.data(), int64_t(ints.size()));
        written.src[0] = &k, written.src[1] = &v, written.src[2] = &meta;
        runOperator(loci_kv_write, shape, written, layer);
    };
    for (const Slice & slice : slices) {
        if (slice.position == 0) continue;
        const std::vector<Slice> cached{{slice.position, 0, slice.table}};
        int64_t ignoredTiles, ignoredRows;
        std::vector<int32_t> cachedPlan = makePlan(shape, cached, random, ignoredTiles, ignoredRows);
        write(cachedPlan, slice.position);
    }
    write(plan, tokens);
    const int64_t rowFloats = shape.kvHeads * shape.group * shape.headSize;
    std::vector<float> queries = random.floats(tokens * rowFloats, 3);
    std::vector<float> result(queries.size(), NAN);
    GgmlTensor q = tensorOf(ggmlTypeF32, queries.data(), shape.headSize, shape.kvHeads * shape.group, tokens);
    GgmlTensor meta = tensorOf(ggmlTypeI32, plan.data(), int64_t(plan.size()));
    GgmlTensor dst = tensorOf(ggmlTypeF32, result.data(), rowFloats, tokens);
    dst.src[0] = &q, dst.src[1] = &written, dst.src[2] = &meta;
    runOperator(loci_paged_attention, shape, dst, layer);
    double worst = 0;
    if (const char * failure = loci_take_failure()) {
        std::printf("seed %u: %s\n", seed, failure);
        worst = INFINITY;
    }
    const double error = worstRowError(shape, pool, slices, queries, result);
    worst = error <= worst ? worst : error;
    loci_layer_free(layer);
    loci_workspace_free(space);
    return worst;
}

}  // namespace

int main(int argc, char ** argv) {
    if (argc < 3 || loci_isa(argv[1]) == nullptr) {
        std::printf("usage: kernel-check <instruction set that runs here> <runs> [seed]\n");
        return 2;
    }
    const unsigned runs = unsigned(std::atoi(argv[2])), seed = argc > 3 ? unsigned(std::atoi(argv[3])) : 1;
    double worst = 0;
    for (unsigned run = 0; run < runs; run++) {
        const double error = checkBatch(argv[1], seed + run);
        if (!(error < 1e-3)) {
            std::printf("%s: seed %u: relative error %g\n", argv[1], seed + run, error);
            return 1;
        }
        worst = error > worst ? error : worst;
    }
    std::printf("%s: %u batches agree with double precision, largest relative error %.2g\n", argv[1],
                runs, worst);
    return 0;
}
