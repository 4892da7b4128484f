// Attention of a tile of query rows over cached tokens, for one instruction set (see vector.h).
//
// The tile walks its tokens 64 at a time: keys are widened once into panels [dim][16 tokens] and
// values into panels [token][16 dims], both of which stay in cache; then scores = Q·K, an online
// softmax, and outputs += P·V, where both products are one register-blocked micro-kernel. All rows
// share the widened tile, which is what makes many query tokens per call cheap.

#include "multiply.h"

constexpr float minimumStart = -1e30f;  // below every score, yet finite
constexpr float rescaleSlack = 10.0f;   // log2: weights may reach 2^10 before outputs are rescaled
constexpr float log2e = 1.442695041f;
constexpr float activationLimit = 1e18f;
constexpr float halfLimit = 65504.0f;

// Widening. One unit is 16 tokens of one head.

static inline void widenRun(KvType type, const void * source, float * target) {
#pragma GCC unroll 4
    for (int v = 0; v < panelVectors; v++) {
        const int lane = v * vectorWidth;
        store(target + lane, type == KvType::f16 ? loadHalf((const uint16_t *)source + lane)
                             : type == KvType::f32 ? load((const float *)source + lane)
                                                   : loadByte((const int8_t *)source + lane));
    }
}

template <KvType type>
static void widenKeys(const LayerShape & shape, const uint8_t * keys, int64_t unit, float * target) {
    const int64_t headSize = shape.headSize;
    if constexpr (type == KvType::q8_0) {
        const int64_t groups = scaleGroups(headSize);
        const uint16_t * scales =
            (const uint16_t *)(keys + headSize * shape.blockTokens) + unit * groups * unitTokens;
        const int8_t * source = (const int8_t *)keys + unit * headSize * unitTokens;
        for (int64_t group = 0; group < groups; group++, scales += unitTokens) {
            Vector scale[panelVectors];
            for (int v = 0; v < panelVectors; v++) scale[v] = loadHalf(scales + v * vectorWidth);
            const int64_t end = (group + 1) * scaleDims < headSize ? (group + 1) * scaleDims : headSize;
            for (int64_t dim = group * scaleDims; dim < end; dim++) {
                for (int v = 0; v < panelVectors; v++) {
                    const int64_t at = dim * unitTokens + v * vectorWidth;
                    store(target + at, loadByte(source + at) * scale[v]);
                }
            }
        }
    } else {
        constexpr int64_t bytes = type == KvType::f16 ? 2 : 4;
        const uint8_t * source = keys + unit * headSize * unitTokens * bytes;
        for (int64_t dim = 0; dim < headSize; dim++) {
            widenRun(type, source + dim * unitTokens * bytes, target + dim * unitTokens);
        }
    }
}

template <KvType type>
static void widenValues(const LayerShape & shape, const uint8_t * values, int64_t unit,
                        float * target) {
    const int64_t headSize = shape.headSize;
    constexpr int64_t bytes = type == KvType::f32 ? 4 : type == KvType::f16 ? 2 : 1;
    const int64_t groups = scaleGroups(headSize);
    const uint16_t * const scales = (const uint16_t *)(values + headSize * shape.blockTokens);
    for (int64_t token = 0; token < unitTokens; token++) {
        const int64_t index = unit * unitTokens + token;
        const uint8_t * source = values + index * headSize * bytes;
        for (int64_t dim = 0; dim < headSize; dim += unitTokens) {
            float * to = target + dim * tileTokens + token * unitTokens;
            if constexpr (type == KvType::q8_0) {
                const Vector scale =
                    broadcast(halfToFloat(scales[index * groups + dim / scaleDims]));
                for (int v = 0; v < panelVectors; v++) {
                    const int64_t lane = v * vectorWidth;
                    store(to + lane, loadByte((const int8_t *)source + dim + lane) * scale);
                }
            } else {
                widenRun(type, source + dim * bytes, to);
            }
        }
    }
}

/** The tokens of a tile that a job handles at a time, found through the block table. */
struct Tile {
    const AttendJob & job;
    int64_t token;    // first
    int64_t columns;  // whole units

    const LayerShape & shape() const { return *job.shape; }
    int64_t block(int64_t unit) const {
        return job.table[(token + unit * unitTokens) / shape().blockTokens];
    }
    int64_t unitInBlock(int64_t unit) const {
        return (token + unit * unitTokens) % shape().blockTokens / unitTokens;
    }
};

template <KvType type>
static void loadKeys(const Tile & tile) {
    const LayerShape & shape = tile.shape();
    for (int64_t unit = 0; unit < tile.columns / unitTokens; unit++) {
        widenKeys<type>(shape, shape.keys(tile.block(unit), tile.job.head), tile.unitInBlock(unit),
                        tile.job.scratch->keys + unit * unitTokens * shape.headSize);
    }
}

template <KvType type>
static void loadValues(const Tile & tile) {
    const LayerShape & shape = tile.shape();
    for (int64_t unit = 0; unit < tile.columns / unitTokens; unit++) {
        widenValues<type>(shape, shape.values(tile.block(unit), tile.job.head),
                          tile.unitInBlock(unit),
                          tile.job.scratch->values + unit * unitTokens * unitTokens);
    }
}

static void loadTileKeys(const Tile & tile) {
    switch (tile.shape().keyType) {
        case KvType::f32: return loadKeys<KvType::f32>(tile);
        case KvType::f16: return loadKeys<KvType::f16>(tile);
        case KvType::q8_0: return loadKeys<KvType::q8_0>(tile);
    }
}

static void loadTileValues(const Tile & tile) {
    switch (tile.shape().valueType) {
        case KvType::f32: return loadValues<KvType::f32>(tile);
        case KvType::f16: return loadValues<KvType::f16>(tile);
        case KvType::q8_0: return loadValues<KvType::q8_0>(tile);
    }
}

// Softmax.

static void capScores(float * scores, int64_t columns, float softCap) {
    const Vector cap = broadcast(softCap * log2e);
    for (int64_t column = 0; column < columns; column += vectorWidth) {
        store(scores + column, cap * hyperbolicTangent(load(scores + column)));
    }
}

/** Hides the columns that a row at `position` does not see: [0, low) and [high, columns). */
static void maskScores(float * scores, const Tile & tile, int64_t position) {
    const int64_t window = tile.shape().slidingWindow;
    const int64_t high = position + 1 - tile.token;
    const int64_t low = window > 0 ? high - window : 0;
    for (int64_t column = 0; column < tile.columns; column++) {
        if (column < low || column >= high) scores[column] = -__builtin_inff();
    }
}

/** Moves a row's maximum up to cover `top` and scales what was summed so far accordingly. */
static void raiseMaximum(const Scratch & scratch, int64_t row, int64_t headSize, Vector top) {
    const float maximum = largestLane(top);
    const Vector factor = exp2(broadcast(scratch.maxima[row] - maximum));
    scratch.maxima[row] = maximum;
    float * const output = scratch.outputs + row * headSize;
    for (int64_t dim = 0; dim < headSize; dim += vectorWidth) {
        store(output + dim, load(output + dim) * factor);
    }
    float * const sums = scratch.sums + row * 16;
    store(sums, load(sums) * factor);
}

/** Turns a row of scores into weights 2^(score - maximum) and adds them up. */
static inline void weighScores(const Scratch & scratch, int64_t row, int64_t headSize,
                               int64_t columns) {
    float * const scores = scratch.scores + row * tileTokens;
    Vector top = load(scores);
    for (int64_t column = vectorWidth; column < columns; column += vectorWidth) {
        top = larger(load(scores + column), top);
    }
    if (anyGreater(top, broadcast(scratch.maxima[row] + rescaleSlack))) {
        raiseMaximum(scratch, row, headSize, top);
    }
    const Vector maximum = broadcast(scratch.maxima[row]);
    Vector sum = load(scratch.sums + row * 16);
    for (int64_t column = 0; column < columns; column += vectorWidth) {
        const Vector weight = exp2(load(scores + column) - maximum);
        store(scores + column, weight);
        sum += weight;
    }
    store(scratch.sums + row * 16, sum);
}

/** Positions of the rows of a job: all columns of a tile up to `low` are visible to every row. */
struct RowRange {
    int64_t lowest;
    int64_t highest;
};

static void attendTile(const Tile & tile, const RowRange & range) {
    const Scratch & scratch = *tile.job.scratch;
    const LayerShape & shape = tile.shape();
    const int64_t rows = tile.job.rowCount;
    const int64_t headSize = shape.headSize;
    loadTileKeys(tile);
    multiply<false>({scratch.queries, headSize, scratch.keys, unitTokens * headSize, scratch.scores,
                     tileTokens, headSize},
                    rows, tile.columns / unitTokens);
    const bool masked =
        tile.token + tile.columns - 1 > range.lowest ||
        (shape.slidingWindow > 0 && tile.token < range.highest + 1 - shape.slidingWindow);
    for (int64_t row = 0; row < rows; row++) {
        float * const scores = scratch.scores + row * tileTokens;
        if (shape.softCap > 0) capScores(scores, tile.columns, shape.softCap);
        if (masked) maskScores(scores, tile, scratch.rows[row].position);
        weighScores(scratch, row, headSize, tile.columns);
    }
    loadTileValues(tile);
    const int64_t end = tile.job.tokenEnd - tile.token;
    multiply<true>({scratch.scores, tileTokens, scratch.values, unitTokens * tileTokens,
                    scratch.outputs, headSize, end < tile.columns ? end : tile.columns},
                   rows, headSize / unitTokens);
}

/** Copies queries in, scaled so that scores are exponents of 2 (or arguments of the soft cap). */
static RowRange openRows(const AttendJob & job) {
    const Scratch & scratch = *job.scratch;
    const int64_t headSize = job.shape->headSize;
    const float softCap = job.shape->softCap;
    const float scale = job.shape->scale * (softCap > 0 ? 1.0f / softCap : log2e);
    RowRange range{INT64_MAX, 0};
    for (int64_t row = 0; row < job.rowCount; row++) {
        const Row & target = scratch.rows[row];
        range.lowest = target.position < range.lowest ? target.position : range.lowest;
        range.highest = target.position > range.highest ? target.position : range.highest;
        for (int64_t dim = 0; dim < headSize; dim++) {
            scratch.queries[row * headSize + dim] =
                bounded(target.query[dim] * scale, activationLimit);
            scratch.outputs[row * headSize + dim] = 0;
        }
        scratch.maxima[row] = minimumStart;
        for (int lane = 0; lane < 16; lane++) scratch.sums[row * 16 + lane] = 0;
    }
    return range;
}

static void closeRows(const AttendJob & job) {
    const Scratch & scratch = *job.scratch;
    const int64_t headSize = job.shape->headSize;
    for (int64_t row = 0; row < job.rowCount; row++) {
        const Row & target = scratch.rows[row];
        const float sum = laneSum(load(scratch.sums + row * 16));
        float factor = 1.0f;
        if (target.state != nullptr) {
            target.state[0] = scratch.maxima[row];
            target.state[1] = sum;
        } else {
            factor = sum > 0 ? 1.0f / sum : 0.0f;
        }
        for (int64_t dim = 0; dim < headSize; dim += vectorWidth) {
            store(target.output + dim, load(scratch.outputs + row * headSize + dim) * factor);
        }
    }
}

static void attend(const AttendJob & job) {
    const RowRange range = openRows(job);
    const LayerShape & shape = *job.shape;
    int64_t token = job.tokenStart;
    if (shape.slidingWindow > 0) {
        const int64_t low = range.lowest + 1 - shape.slidingWindow;
        if (low > token) token = low / unitTokens * unitTokens;
    }
    const int64_t end = job.tokenEnd < range.highest + 1 ? job.tokenEnd : range.highest + 1;
    AttendJob bounded = job;
    bounded.tokenEnd = end;
    for (; token < end; token += tileTokens) {
        const int64_t columns = (end - token + unitTokens - 1) / unitTokens * unitTokens;
        attendTile({bounded, token, columns < tileTokens ? columns : tileTokens}, range);
    }
    closeRows(job);
}

/** Joins partial results: each is weighted by 2^(its maximum - the largest maximum). */
static void merge(const MergeJob & job) {
    float maximum = minimumStart;
    for (int64_t part = 0; part < job.partCount; part++) {
        maximum = job.states[part][0] > maximum ? job.states[part][0] : maximum;
    }
    float sum = 0;
    for (int64_t dim = 0; dim < job.headSize; dim++) job.target[dim] = 0;
    for (int64_t part = 0; part < job.partCount; part++) {
        const Vector factor = exp2(broadcast(job.states[part][0] - maximum));
        sum += job.states[part][1] * factor[0];
        for (int64_t dim = 0; dim < job.headSize; dim += vectorWidth) {
            store(job.target + dim, load(job.target + dim) + load(job.outputs[part] + dim) * factor);
        }
    }
    const Vector factor = broadcast(sum > 0 ? 1.0f / sum : 0.0f);
    for (int64_t dim = 0; dim < job.headSize; dim += vectorWidth) {
        store(job.target + dim, load(job.target + dim) * factor);
    }
}

// Measuring.

constexpr int probeChains = 12;  // enough to cover the latency of a multiply-add
constexpr int64_t probeFlop = int64_t(probeChains) * vectorWidth * 2;

static float probe(int64_t rounds) {
    Vector sums[probeChains];
    for (int i = 0; i < probeChains; i++) sums[i] = broadcast(float(i));
    const Vector factor = broadcast(0.999f), addend = broadcast(0.001f);
    for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 12
        for (int i = 0; i < probeChains; i++) sums[i] = sums[i] * factor + addend;
    }
    float total = 0;
    for (int i = 0; i < probeChains; i++) total += laneSum(sums[i]);
    return total;
}
