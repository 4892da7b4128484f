// Storing keys and values in the pool's format, for one instruction set; after attend.h, whose
// vectors and limits it shares.

static inline float quantScale(const float * source, int64_t count, uint16_t * scale) {
    float largest = 0;
    for (int64_t i = 0; i < count; i++) {
        const float magnitude = __builtin_fabsf(bounded(source[i], halfLimit));
        largest = magnitude > largest ? magnitude : largest;
    }
    *scale = floatToHalf(largest / 127.0f);
    const float rounded = halfToFloat(*scale);
    return rounded > 0 ? 1.0f / rounded : 0.0f;
}

static inline int8_t quantize(float value, float inverse) {
    return int8_t(__builtin_rintf(bounded(bounded(value, halfLimit) * inverse, 127.0f)));
}

/** Where element (dim) and scale (group) of one token lie: a start and a stride, in elements. */
struct Placement {
    int64_t start, stride, scaleStart, scaleStride;
};

static void storePart(KvType type, const LayerShape & shape, const float * source, uint8_t * target,
                      const Placement & at) {
    const int64_t headSize = shape.headSize;
    if (type == KvType::f32) {
        float * const out = (float *)target + at.start;
        for (int64_t dim = 0; dim < headSize; dim++) {
            out[dim * at.stride] = bounded(source[dim], activationLimit);
        }
    } else if (type == KvType::f16) {
        uint16_t * const out = (uint16_t *)target + at.start;
        for (int64_t dim = 0; dim < headSize; dim++) {
            out[dim * at.stride] = floatToHalf(bounded(source[dim], halfLimit));
        }
    } else {
        int8_t * const out = (int8_t *)target + at.start;
        uint16_t * const scales =
            (uint16_t *)(target + headSize * shape.blockTokens) + at.scaleStart;
        for (int64_t group = 0; group < scaleGroups(headSize); group++) {
            const int64_t first = group * scaleDims;
            const int64_t count = headSize - first < scaleDims ? headSize - first : scaleDims;
            const float inverse = quantScale(source + first, count, scales + group * at.scaleStride);
            for (int64_t dim = first; dim < first + count; dim++) {
                out[dim * at.stride] = quantize(source[dim], inverse);
            }
        }
    }
}

static void storeToken(const LayerShape & shape, const float * key, const float * value,
                       uint8_t * keys, uint8_t * values, int64_t index) {
    const int64_t groups = scaleGroups(shape.headSize);
    const int64_t unit = index / unitTokens, lane = index % unitTokens;
    storePart(shape.keyType, shape, key, keys,
              {unit * shape.headSize * unitTokens + lane, unitTokens,
               unit * groups * unitTokens + lane, unitTokens});
    storePart(shape.valueType, shape, value, values,
              {index * shape.headSize, 1, index * groups, 1});
}
