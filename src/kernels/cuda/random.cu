// Philox4x32-10 and what is drawn by it; the same words as `philox.rs`.

struct Words {
    unsigned w[4];
};

__device__ inline Words philox(unsigned draw, unsigned sample, unsigned epoch, unsigned stream, unsigned long long seed) {
    unsigned c0 = draw, c1 = sample, c2 = epoch, c3 = stream;
    unsigned k0 = (unsigned)seed, k1 = (unsigned)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        unsigned long long p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;
        unsigned next0 = (unsigned)(p1 >> 32) ^ c1 ^ k0, next2 = (unsigned)(p0 >> 32) ^ c3 ^ k1;
        c1 = (unsigned)p1;
        c3 = (unsigned)p0;
        c0 = next0;
        c2 = next2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    Words words = {{c0, c1, c2, c3}};
    return words;
}

// One element of a dropout mask: 0 where the word lies below p, else `kept`; see `dropout.rs`.
__device__ inline float dropout(const Call& call, unsigned stream, double p, float kept, unsigned sample, int element) {
    Words words = philox(element / 4, sample, (unsigned)(unsigned long long)call.step, stream, call.seed);
    float uniform = (float)(words.w[element % 4] >> 8) / 16777216.0f;
    return (double)uniform < p ? 0.0f : kept;
}
