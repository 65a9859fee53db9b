#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* AES-GCM (NIST SP 800-38D) for the sealing of records, two blocks to an instruction, on processors with VAES and
   VPCLMULQDQ. OpenSSL 3.0 works one block at a time there, at less than half the speed. It seals only, knows nonces of
   12 bytes and no table or branch that depends on a key or a text; time depends on sizes alone.

   GHASH is computed as POLYVAL of the reversed bytes, with the key times x (RFC 8452 appendix A): products need no
   shift then, and sixteen blocks share one reduction. */

enum {
    CGCM_BLOCK = 16,
    /* Blocks that are worked on together. */
    CGCM_BLOCKS = 16,
    CGCM_BATCH = CGCM_BLOCK * CGCM_BLOCKS,
    CGCM_TAG = 16,
    CGCM_NONCE = 12,
};

/* A key as it is used: wipe it when it goes. */
struct cgcm_key {
    /* The hash's key to the 16th, 15th, … first power; in front, because it is read in pairs. */
    uint8_t powers[CGCM_BLOCKS][CGCM_BLOCK];
    uint8_t rounds[15][CGCM_BLOCK];
    int count;
} __attribute__((aligned(64)));

/* Of a key's memory, for those who cannot see into it. */
enum {
    CGCM_KEY_SIZE = sizeof(struct cgcm_key),
    CGCM_KEY_ALIGNMENT = 64,
};

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define CGCM_WIDE __attribute__((target("avx2,aes,pclmul,vaes,vpclmulqdq,sse4.1")))
#define CGCM_INLINE CGCM_WIDE static inline __attribute__((always_inline))

/* Whether processor and system know the instructions and keep the wide registers. */
static inline int cgcm_is_known(void) {
    unsigned a, b, c, d;
    const unsigned needed = bit_AES | bit_PCLMUL | bit_OSXSAVE | bit_AVX | bit_SSE4_1;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & needed) != needed) return 0;
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    return (b & bit_AVX2) && (c & bit_VAES) && (c & bit_VPCLMULQDQ);
}

/* MARK: Hashing */

CGCM_INLINE __m128i cgcm_reversed(__m128i block) {
    return _mm_shuffle_epi8(block, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

CGCM_INLINE __m256i cgcm_reversed_pair(__m256i blocks) {
    return _mm256_shuffle_epi8(
        blocks, _mm256_broadcastsi128_si256(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
}

/* A product of 256 bits, in three parts that overlap by half. */
struct cgcm_product {
    __m128i low, middle, high;
};

/* Divides by x^128, modulo x^128 + x^127 + x^126 + x^121 + 1. */
CGCM_INLINE __m128i cgcm_reduced(struct cgcm_product p) {
    const __m128i polynomial = _mm_set_epi64x(0, (long long)0xC200000000000000);
    __m128i low = _mm_xor_si128(p.low, _mm_slli_si128(p.middle, 8));
    __m128i high = _mm_xor_si128(p.high, _mm_srli_si128(p.middle, 8));
    low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4E), _mm_clmulepi64_si128(low, polynomial, 0x00));
    low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4E), _mm_clmulepi64_si128(low, polynomial, 0x00));
    return _mm_xor_si128(high, low);
}

CGCM_INLINE void cgcm_add(struct cgcm_product *p, __m128i a, __m128i b) {
    p->low = _mm_xor_si128(p->low, _mm_clmulepi64_si128(a, b, 0x00));
    p->high = _mm_xor_si128(p->high, _mm_clmulepi64_si128(a, b, 0x11));
    p->middle = _mm_xor_si128(
        p->middle, _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10)));
}

CGCM_INLINE __m128i cgcm_times(__m128i a, __m128i b) {
    struct cgcm_product p = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
    cgcm_add(&p, a, b);
    return cgcm_reduced(p);
}

CGCM_INLINE __m128i cgcm_power(const struct cgcm_key *key, int exponent) {
    return _mm_load_si128((const __m128i *)key->powers[CGCM_BLOCKS - exponent]);
}

/* Products of pairs of blocks. */
struct cgcm_products {
    __m256i low, middle, high;
};

CGCM_INLINE void cgcm_add_pair(struct cgcm_products *p, __m256i a, __m256i b) {
    p->low = _mm256_xor_si256(p->low, _mm256_clmulepi64_epi128(a, b, 0x00));
    p->high = _mm256_xor_si256(p->high, _mm256_clmulepi64_epi128(a, b, 0x11));
    p->middle = _mm256_xor_si256(p->middle, _mm256_clmulepi64_epi128(a, b, 0x01));
    p->middle = _mm256_xor_si256(p->middle, _mm256_clmulepi64_epi128(a, b, 0x10));
}

CGCM_INLINE __m128i cgcm_halves(__m256i pair) {
    return _mm_xor_si128(_mm256_castsi256_si128(pair), _mm256_extracti128_si256(pair, 1));
}

CGCM_INLINE __m128i cgcm_joined(struct cgcm_products p) {
    struct cgcm_product sum = {cgcm_halves(p.low), cgcm_halves(p.middle), cgcm_halves(p.high)};
    return cgcm_reduced(sum);
}

/* The pair of blocks at that place in a batch, times their powers; what was hashed before goes into the first. */
CGCM_INLINE void cgcm_hash_pair(
    const struct cgcm_key *key, struct cgcm_products *p, const uint8_t *batch, int pair, __m128i before) {
    __m256i blocks = cgcm_reversed_pair(_mm256_loadu_si256((const __m256i *)batch + pair));
    if (pair == 0) blocks = _mm256_xor_si256(blocks, _mm256_zextsi128_si256(before));
    cgcm_add_pair(p, blocks, _mm256_load_si256((const __m256i *)key->powers + pair));
}

/* MARK: The key */

/* FIPS 197 §5.2. `constant` is that of the round, or 0 for the words in the middle of a long key. */
CGCM_INLINE __m128i cgcm_next_words(__m128i words, __m128i mixed) {
    words = _mm_xor_si128(words, _mm_slli_si128(words, 4));
    words = _mm_xor_si128(words, _mm_slli_si128(words, 8));
    return _mm_xor_si128(words, mixed);
}

CGCM_INLINE void cgcm_expand(struct cgcm_key *key, const uint8_t *secret, int size) {
    __m128i *rounds = (__m128i *)key->rounds;
    rounds[0] = _mm_loadu_si128((const __m128i *)secret);
#define CGCM_ROUND(at, back, constant) \
    rounds[at] = cgcm_next_words( \
        rounds[at - back], _mm_shuffle_epi32(_mm_aeskeygenassist_si128(rounds[at - 1], constant), 0xFF));
#define CGCM_MIDDLE(at) \
    rounds[at] = cgcm_next_words( \
        rounds[at - 2], _mm_shuffle_epi32(_mm_aeskeygenassist_si128(rounds[at - 1], 0), 0xAA));
    if (size == 16) {
        key->count = 10;
        CGCM_ROUND(1, 1, 0x01) CGCM_ROUND(2, 1, 0x02) CGCM_ROUND(3, 1, 0x04) CGCM_ROUND(4, 1, 0x08)
        CGCM_ROUND(5, 1, 0x10) CGCM_ROUND(6, 1, 0x20) CGCM_ROUND(7, 1, 0x40) CGCM_ROUND(8, 1, 0x80)
        CGCM_ROUND(9, 1, 0x1B) CGCM_ROUND(10, 1, 0x36)
    } else {
        key->count = 14;
        rounds[1] = _mm_loadu_si128((const __m128i *)secret + 1);
        CGCM_ROUND(2, 2, 0x01) CGCM_MIDDLE(3) CGCM_ROUND(4, 2, 0x02) CGCM_MIDDLE(5)
        CGCM_ROUND(6, 2, 0x04) CGCM_MIDDLE(7) CGCM_ROUND(8, 2, 0x08) CGCM_MIDDLE(9)
        CGCM_ROUND(10, 2, 0x10) CGCM_MIDDLE(11) CGCM_ROUND(12, 2, 0x20) CGCM_MIDDLE(13)
        CGCM_ROUND(14, 2, 0x40)
    }
#undef CGCM_ROUND
#undef CGCM_MIDDLE
}

CGCM_INLINE __m128i cgcm_encrypted(const struct cgcm_key *key, __m128i block) {
    const __m128i *rounds = (const __m128i *)key->rounds;
    block = _mm_xor_si128(block, rounds[0]);
    for (int round = 1; round < key->count; round++) block = _mm_aesenc_si128(block, rounds[round]);
    return _mm_aesenclast_si128(block, rounds[key->count]);
}

/* `size` is 16 or 32. */
CGCM_WIDE static inline void cgcm_set_key(struct cgcm_key *key, const uint8_t *secret, int size) {
    memset(key, 0, sizeof *key);
    cgcm_expand(key, secret, size);
    __m128i hash = cgcm_reversed(cgcm_encrypted(key, _mm_setzero_si128()));
    /* Times x: the bit that falls out comes back as the polynomial. */
    __m128i carries = _mm_srli_epi64(hash, 63);
    __m128i fallen = _mm_shuffle_epi32(_mm_sub_epi32(_mm_setzero_si128(), carries), 0xAA);
    hash = _mm_or_si128(_mm_slli_epi64(hash, 1), _mm_slli_si128(carries, 8));
    hash = _mm_xor_si128(hash, _mm_and_si128(fallen, _mm_set_epi64x((long long)0xC200000000000000, 1)));
    __m128i power = hash;
    for (int exponent = 1; exponent <= CGCM_BLOCKS; exponent++) {
        _mm_store_si128((__m128i *)key->powers[CGCM_BLOCKS - exponent], power);
        power = cgcm_times(power, hash);
    }
}

/* MARK: Sealing */

CGCM_INLINE __m256i cgcm_round(const struct cgcm_key *key, int round) {
    return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)key->rounds[round]));
}

/* Sixteen blocks of the stream that goes over the text. Where there is a batch before, it is hashed meanwhile: the two
   use other parts of the processor. `counter` holds two numbers in the processor's order. */
CGCM_INLINE void cgcm_stream(
    const struct cgcm_key *key, __m256i *counter, __m256i stream[8], const uint8_t *before, __m128i *hash) {
    const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m256i swaps = _mm256_broadcastsi128_si256(swap);
    const __m256i two = _mm256_set_epi32(2, 0, 0, 0, 2, 0, 0, 0);
    struct cgcm_products p = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    __m256i words = cgcm_round(key, 0);
#pragma GCC unroll 8
    for (int pair = 0; pair < 8; pair++) {
        stream[pair] = _mm256_xor_si256(_mm256_shuffle_epi8(*counter, swaps), words);
        *counter = _mm256_add_epi32(*counter, two);
    }
#pragma GCC unroll 8
    for (int round = 1; round <= 8; round++) {
        words = cgcm_round(key, round);
#pragma GCC unroll 8
        for (int pair = 0; pair < 8; pair++) stream[pair] = _mm256_aesenc_epi128(stream[pair], words);
        if (before) cgcm_hash_pair(key, &p, before, round - 1, *hash);
    }
    for (int round = 9; round < key->count; round++) {
        words = cgcm_round(key, round);
#pragma GCC unroll 8
        for (int pair = 0; pair < 8; pair++) stream[pair] = _mm256_aesenc_epi128(stream[pair], words);
    }
    words = cgcm_round(key, key->count);
#pragma GCC unroll 8
    for (int pair = 0; pair < 8; pair++) stream[pair] = _mm256_aesenclast_epi128(stream[pair], words);
    if (before) *hash = cgcm_joined(p);
}

CGCM_INLINE void cgcm_mask(const __m256i stream[8], const uint8_t *text, uint8_t *out) {
#pragma GCC unroll 8
    for (int pair = 0; pair < 8; pair++) {
        __m256i plain = _mm256_loadu_si256((const __m256i *)text + pair);
        _mm256_storeu_si256((__m256i *)out + pair, _mm256_xor_si256(plain, stream[pair]));
    }
}

/* Seals `size` bytes of text, and one byte behind them where `last` is not negative, into `out`, and the tag behind
   that. `out` may be the text itself. `beside` is authenticated: at most 16 bytes. */
CGCM_WIDE static inline void cgcm_seal(
    const struct cgcm_key *key, const uint8_t nonce[CGCM_NONCE], const uint8_t *beside, size_t beside_size,
    const uint8_t *text, size_t size, int last, uint8_t *out) {
    uint8_t scratch[CGCM_BATCH] __attribute__((aligned(32))) = {0};
    __m256i stream[8];

    memcpy(scratch, beside, beside_size);
    __m128i hash = cgcm_times(cgcm_reversed(_mm_load_si128((const __m128i *)scratch)), cgcm_power(key, 1));
    memcpy(scratch, nonce, CGCM_NONCE);
    const __m128i first = _mm_insert_epi32(_mm_load_si128((const __m128i *)scratch), 1, 3);
    const __m128i mask = cgcm_encrypted(key, _mm_insert_epi32(first, 0x01000000, 3));
    __m256i counter = _mm256_add_epi32(_mm256_broadcastsi128_si256(first), _mm256_set_epi32(2, 0, 0, 0, 1, 0, 0, 0));
    const uint64_t bits = ((uint64_t)size + (last >= 0)) * 8;

    const uint8_t *before = NULL;
    if (size >= CGCM_BATCH) {
        cgcm_stream(key, &counter, stream, NULL, &hash);
        cgcm_mask(stream, text, out);
        for (before = out, out += CGCM_BATCH, text += CGCM_BATCH, size -= CGCM_BATCH; size >= CGCM_BATCH;
             before = out, out += CGCM_BATCH, text += CGCM_BATCH, size -= CGCM_BATCH) {
            cgcm_stream(key, &counter, stream, before, &hash);
            cgcm_mask(stream, text, out);
        }
        cgcm_stream(key, &counter, stream, before, &hash);
    } else {
        cgcm_stream(key, &counter, stream, NULL, &hash);
    }

    /* What is left, less than a batch, goes by way of the scratch, with zeroes behind it for the hash. */
    memset(scratch, 0, CGCM_BLOCK);
    memcpy(scratch, text, size);
    if (last >= 0) scratch[size++] = (uint8_t)last;
    cgcm_mask(stream, scratch, scratch);
    memcpy(out, scratch, size);
    const size_t blocks = (size + CGCM_BLOCK - 1) / CGCM_BLOCK;
    memset(scratch + size, 0, blocks * CGCM_BLOCK - size);
    struct cgcm_product p = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
    for (size_t index = 0; index < blocks; index++) {
        __m128i block = cgcm_reversed(_mm_load_si128((const __m128i *)scratch + index));
        if (index == 0) block = _mm_xor_si128(block, hash);
        cgcm_add(&p, block, cgcm_power(key, (int)(blocks - index)));
    }
    if (blocks > 0) hash = cgcm_reduced(p);
    hash = _mm_xor_si128(hash, _mm_set_epi64x((long long)(beside_size * 8), (long long)bits));
    hash = cgcm_times(hash, cgcm_power(key, 1));
    _mm_storeu_si128((__m128i *)(out + size), _mm_xor_si128(cgcm_reversed(hash), mask));
}

#else

static inline int cgcm_is_known(void) { return 0; }
static inline void cgcm_set_key(struct cgcm_key *key, const uint8_t *secret, int size) {
    (void)key, (void)secret, (void)size;
    __builtin_trap();
}
static inline void cgcm_seal(
    const struct cgcm_key *key, const uint8_t nonce[CGCM_NONCE], const uint8_t *beside, size_t beside_size,
    const uint8_t *text, size_t size, int last, uint8_t *out) {
    (void)key, (void)nonce, (void)beside, (void)beside_size, (void)text, (void)size, (void)last, (void)out;
    __builtin_trap();
}

#endif
