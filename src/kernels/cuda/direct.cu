// Convolutions of small pictures, one sample a block: picture and weights lie in shared memory, a thread holds a window of 2 × 2
// pixels in some channels, or a row of taps. Stride 1, one group.

// A picture in shared memory, with a border of zeros: [channels][HEIGHT][PITCH], pixel (y, x) of `from` at (y + PY, x + PX).
template <int CHANNELS, int ROWS, int COLUMNS, int PY, int PX, int HEIGHT, int PITCH>
__device__ inline void bring_picture(const float* from, float* picture) {
    for (int i = threadIdx.x; i < CHANNELS * HEIGHT * PITCH; i += THREADS) {
        const int channel = i / (HEIGHT * PITCH), y = i / PITCH % HEIGHT - PY, x = i % PITCH - PX;
        const bool is_inside = y >= 0 && y < ROWS && x >= 0 && x < COLUMNS;
        picture[i] = is_inside ? from[(channel * ROWS + y) * COLUMNS + x] : 0.0f;
    }
}

// out[n, y, x] = Σ over c, ky, kx of in[c, y + ky − PY, x + kx − PX] · weight(c, ky, kx, n), summed in this order.
//
// IN channels of ROWS × COLUMNS, OUT channels of OUT_ROWS × OUT_COLUMNS, N of them for each thread.
// `keep(y, x, n, sums)` takes the four sums of a window, row by row; those outside of the picture are no sums.
template <int IN, int ROWS, int COLUMNS, int PY, int PX, int KY, int KX, int OUT, int OUT_ROWS, int OUT_COLUMNS, int N,
          class Weight, class Keep>
__device__ inline void direct(const float* from, const Weight& weight, const Keep& keep, float* shared) {
    const int DOWN = (OUT_ROWS + 1) / 2, ALONG = (OUT_COLUMNS + 1) / 2, WINDOWS = DOWN * ALONG;
    const int HEIGHT = 2 * DOWN + KY - 1, PITCH = 2 * ALONG + KX - 1, TAPS = IN * KY * KX;
    const int STRIPS = (OUT + N - 1) / N, WIDTH = (N + 3) / 4 * 4, ROW = STRIPS * WIDTH;
    float* weights = shared;
    float* picture = shared + TAPS * ROW;
    // What pads the channels of a strip is read and not used.
    for (int i = threadIdx.x; i < TAPS * OUT; i += THREADS) {
        const int n = i / TAPS, tap = i % TAPS;
        weights[tap * ROW + n / N * WIDTH + n % N] = weight(tap / (KY * KX), tap % (KY * KX), n);
    }
    bring_picture<IN, ROWS, COLUMNS, PY, PX, HEIGHT, PITCH>(from, picture);
    __syncthreads();
    for (int item = threadIdx.x; item < WINDOWS * STRIPS; item += THREADS) {
        const int strip = item / WINDOWS, y = item % WINDOWS / ALONG * 2, x = item % ALONG * 2;
        float sums[N][4];
#pragma unroll
        for (int j = 0; j < N; j++)
#pragma unroll
            for (int i = 0; i < 4; i++) sums[j][i] = 0.0f;
#pragma unroll 1
        for (int channel = 0; channel < IN; channel++) {
            const float* rows = picture + (channel * HEIGHT + y) * PITCH + x;
            float above[KX + 1];
#pragma unroll
            for (int i = 0; i <= KX; i++) above[i] = rows[i];
#pragma unroll
            for (int ky = 0; ky < KY; ky++) {
                float below[KX + 1];
#pragma unroll
                for (int i = 0; i <= KX; i++) below[i] = rows[(ky + 1) * PITCH + i];
                const float* of_row = weights + (channel * KY + ky) * KX * ROW + strip * WIDTH;
#pragma unroll
                for (int kx = 0; kx < KX; kx++) {
                    const Run<WIDTH> w = *(const Run<WIDTH>*)(of_row + kx * ROW);
#pragma unroll
                    for (int j = 0; j < N; j++) {
                        sums[j][0] = fmaf(above[kx], w.of[j], sums[j][0]);
                        sums[j][1] = fmaf(above[kx + 1], w.of[j], sums[j][1]);
                        sums[j][2] = fmaf(below[kx], w.of[j], sums[j][2]);
                        sums[j][3] = fmaf(below[kx + 1], w.of[j], sums[j][3]);
                    }
                }
#pragma unroll
                for (int i = 0; i <= KX; i++) above[i] = below[i];
            }
        }
#pragma unroll
        for (int j = 0; j < N; j++)
            if (strip * N + j < OUT) keep(y, x, strip * N + j, sums[j]);
    }
}

// dW[n, c, ky, kx] = Σ over samples, y, x of in[c, y + ky − PY, x + kx − PX] · d[n, y, x]: `count` samples of `from` and `slopes`.
//
// A thread has the KX taps of a row of the kernel in N channels of the output, and every SLICES-th row of pixels.
// `keep(n, k, sum)` takes the sum of tap k = (c · KY + ky) · KX + kx.
template <int IN, int ROWS, int COLUMNS, int PY, int PX, int KY, int KX, int OUT, int OUT_ROWS, int OUT_COLUMNS, int N,
          int SLICES, class Keep>
__device__ inline void direct_weight(const float* from, const float* slopes, int count, const Keep& keep, float* shared) {
    const int HEIGHT = OUT_ROWS + KY - 1, PITCH = (OUT_COLUMNS + KX - 1) | 1;
    const int STRIPS = (OUT + N - 1) / N, WIDTH = (N + 3) / 4 * 4, ROW = STRIPS * WIDTH;
    const int ITEMS = IN * KY * STRIPS, PIXELS = OUT_ROWS * OUT_COLUMNS;
    static_assert(ITEMS * SLICES <= THREADS, "every slice has its threads");
    float* slope = shared;
    float* picture = shared + PIXELS * ROW;
    const int slice = threadIdx.x / ITEMS, item = threadIdx.x % ITEMS;
    const int strip = item % STRIPS, channel = item / STRIPS / KY, ky = item / STRIPS % KY;
    float sums[N][KX];
#pragma unroll
    for (int j = 0; j < N; j++)
#pragma unroll
        for (int kx = 0; kx < KX; kx++) sums[j][kx] = 0.0f;
    for (int sample = 0; sample < count; sample++) {
        __syncthreads();
        bring_picture<IN, ROWS, COLUMNS, PY, PX, HEIGHT, PITCH>(from + sample * (IN * ROWS * COLUMNS), picture);
        for (int i = threadIdx.x; i < PIXELS * OUT; i += THREADS) {
            const int n = i / PIXELS, pixel = i % PIXELS;
            slope[pixel * ROW + n / N * WIDTH + n % N] = slopes[sample * (OUT * PIXELS) + i];
        }
        __syncthreads();
        if (slice >= SLICES) continue;
        for (int y = slice; y < OUT_ROWS; y += SLICES) {
            const float* row = picture + (channel * HEIGHT + y + ky) * PITCH;
            const float* slope_row = slope + y * OUT_COLUMNS * ROW + strip * WIDTH;
            float seen[KX];
#pragma unroll
            for (int kx = 0; kx + 1 < KX; kx++) seen[kx + 1] = row[kx];
#pragma unroll 4
            for (int x = 0; x < OUT_COLUMNS; x++) {
#pragma unroll
                for (int kx = 0; kx + 1 < KX; kx++) seen[kx] = seen[kx + 1];
                seen[KX - 1] = row[x + KX - 1];
                const Run<WIDTH> d = *(const Run<WIDTH>*)(slope_row + x * ROW);
#pragma unroll
                for (int j = 0; j < N; j++)
#pragma unroll
                    for (int kx = 0; kx < KX; kx++) sums[j][kx] = fmaf(seen[kx], d.of[j], sums[j][kx]);
            }
        }
    }
    // Slices are added in their order.
    const int TAPS = IN * KY * KX, TABLE = OUT * TAPS;
    __syncthreads();
    if (slice < SLICES) {
#pragma unroll
        for (int j = 0; j < N; j++) {
            const int n = strip * N + j;
            if (n >= OUT) continue;
#pragma unroll
            for (int kx = 0; kx < KX; kx++)
                shared[slice * TABLE + n * TAPS + (channel * KY + ky) * KX + kx] = sums[j][kx];
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < TABLE; i += THREADS) {
        float sum = shared[i];
        for (int other = 1; other < SLICES; other++) sum += shared[other * TABLE + i];
        keep(i / TAPS, i % TAPS, sum);
    }
}
