// One vector of floats, as wide as the instruction set's registers. Arithmetic is the compilers'
// vector extension (GCC and Clang); only conversions and reductions need intrinsics.
// Included once per instruction set, inside that set's own namespace: nothing here may be shared
// between translation units, or the linker could pick code the processor cannot run.

#if defined(LOCI_ISA_AVX512)
constexpr int vectorWidth = 16;
#elif defined(LOCI_ISA_AVX2)
constexpr int vectorWidth = 8;
#else
constexpr int vectorWidth = 4;
#endif

typedef float Vector __attribute__((vector_size(4 * vectorWidth)));
typedef int32_t IntVector __attribute__((vector_size(4 * vectorWidth)));

// Not `Vector{} + value`: 0 + x is not x for -0, so it would cost an addition.
static inline Vector broadcast(float value) { return value - Vector{}; }

static inline Vector load(const float * source) {
    Vector vector;
    __builtin_memcpy(&vector, source, sizeof vector);
    return vector;
}

static inline void store(float * target, Vector vector) {
    __builtin_memcpy(target, &vector, sizeof vector);
}

// A NaN on the left loses in both.
static inline Vector larger(Vector left, Vector right) { return left > right ? left : right; }
static inline Vector smaller(Vector left, Vector right) { return left < right ? left : right; }

static inline float halfToFloat(uint16_t half) {
    // Exponent and mantissa moved into place; the product corrects the bias, denormals included.
    const uint32_t magnitude = uint32_t(half & 0x7fff) << 13;
    float value;
    __builtin_memcpy(&value, &magnitude, 4);
    value *= 0x1p112f;
    return half & 0x8000 ? -value : value;
}

static inline uint16_t floatToHalf(float value) {
    // Round to nearest even; `value` is within f16's range (see `bounded`).
    uint32_t bits;
    __builtin_memcpy(&bits, &value, 4);
    const uint32_t sign = bits >> 16 & 0x8000;
    bits &= 0x7fffffff;
    if (bits < 0x38800000) {  // below 2^-14: a denormal, made by letting the adder round
        float magnitude;
        __builtin_memcpy(&magnitude, &bits, 4);
        magnitude += 0.5f;
        __builtin_memcpy(&bits, &magnitude, 4);
        return uint16_t(sign | (bits - 0x3f000000));
    }
    return uint16_t(sign | ((bits + 0xc8000fff + (bits >> 13 & 1)) >> 13));
}

#if defined(LOCI_ISA_AVX512)

static inline Vector loadHalf(const uint16_t * source) {
    return (Vector)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)source));
}
static inline Vector loadByte(const int8_t * source) {
    return (Vector)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)source)));
}
static inline bool anyGreater(Vector left, Vector right) {
    return _mm512_cmp_ps_mask((__m512)left, (__m512)right, _CMP_GT_OQ) != 0;
}

#elif defined(LOCI_ISA_AVX2)

static inline Vector loadHalf(const uint16_t * source) {
    return (Vector)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)source));
}
static inline Vector loadByte(const int8_t * source) {
    return (Vector)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)source)));
}
static inline bool anyGreater(Vector left, Vector right) {
    return _mm256_movemask_ps(_mm256_cmp_ps((__m256)left, (__m256)right, _CMP_GT_OQ)) != 0;
}

#elif defined(LOCI_ISA_NEON)

static inline Vector loadHalf(const uint16_t * source) {
    return (Vector)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(source)));
}
static inline Vector loadByte(const int8_t * source) {
    int32_t four;
    __builtin_memcpy(&four, source, 4);
    const int16x8_t wide = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
    return (Vector)vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}
static inline bool anyGreater(Vector left, Vector right) {
    return vmaxvq_u32(vcgtq_f32((float32x4_t)left, (float32x4_t)right)) != 0;
}

#else

static inline Vector loadHalf(const uint16_t * source) {
    return Vector{halfToFloat(source[0]), halfToFloat(source[1]), halfToFloat(source[2]),
                  halfToFloat(source[3])};
}
static inline Vector loadByte(const int8_t * source) {
    return Vector{float(source[0]), float(source[1]), float(source[2]), float(source[3])};
}
static inline bool anyGreater(Vector left, Vector right) {
    bool any = false;
    for (int lane = 0; lane < vectorWidth; lane++) any |= left[lane] > right[lane];
    return any;
}

#endif

static inline float largestLane(Vector vector) {
    float largest = vector[0];
    for (int lane = 1; lane < vectorWidth; lane++) {
        largest = vector[lane] > largest ? vector[lane] : largest;
    }
    return largest;
}

static inline float laneSum(Vector vector) {
    float sum = 0;
    for (int lane = 0; lane < vectorWidth; lane++) sum += vector[lane];
    return sum;
}

// 2^x for x <= ~100, exactly 0 below -126.5. x = n + f with |f| <= 1/2; adding 1.5·2^23 leaves n in
// the low mantissa bits, and a degree-4 fit gives 2^f with a relative error below 3e-6.
static inline Vector exp2(Vector x) {
    const Vector magic = broadcast(12582912.0f);
    x = larger(x, broadcast(-127.0f));
    const Vector shifted = x + magic;
    const Vector f = x - (shifted - magic);
    Vector power = broadcast(0.00956051021f);
    power = power * f + 0.0559170392f;
    power = power * f + 0.240249811f;
    power = power * f + 0.693121968f;
    power = power * f + 0.999999191f;
    IntVector bits;
    __builtin_memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + 0x3f800000;
    Vector scale;
    __builtin_memcpy(&scale, &bits, sizeof scale);
    return power * scale;
}

// tanh(x) = 1 - 2 / (e^2x + 1), with x kept where e^2x is finite.
static inline Vector hyperbolicTangent(Vector x) {
    x = smaller(larger(x, broadcast(-15.0f)), broadcast(15.0f));
    const Vector power = exp2(x * 2.885390082f);
    return 1.0f - 2.0f / (power + 1.0f);
}

// Everything that enters the arithmetic is finite and small enough that no product overflows, so
// no row can come out as NaN whatever the model computed.
static inline float bounded(float value, float limit) {
    value = value > -limit ? value : -limit;
    return value < limit ? value : limit;
}
