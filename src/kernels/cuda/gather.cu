// Bytes of samples to numbers: value = byte · scale + shift of the channel, seen through a window.

__device__ inline float decode(const unsigned char* sample, const float* scales, const Window* window,
                               int channel, int y, int x, int rows, int columns) {
    float scale = scales[2 * channel], shift = scales[2 * channel + 1];
    if (window) {
        if (window->has_hole && y >= window->top && y < window->bottom && x >= window->left && x < window->right)
            return 0.0f;
        x = (window->flip ? columns - 1 - x : x) + window->dx;
        y += window->dy;
        if (y < 0 || y >= rows || x < 0 || x >= columns) return shift;
    }
    return (float)sample[(channel * rows + y) * columns + x] * scale + shift;
}

// COUNT elements from `element` on, all of one plane of PLANE pixels in rows of COLUMNS; four bytes that are read together lie at
// a multiple of four.
template <int COUNT, int PLANE, int COLUMNS>
__device__ inline void decode(const unsigned char* sample, const float* scales, const Window* window, int element,
                              float* to) {
    const int channel = element / PLANE, pixel = element % PLANE;
    if (COUNT == 4 && !window) {
        const unsigned four = *(const unsigned*)(sample + element);
        const float scale = scales[2 * channel], shift = scales[2 * channel + 1];
        Run<4> values;
#pragma unroll
        for (int i = 0; i < 4; i++) values.of[i] = (float)(four >> (8 * i) & 255) * scale + shift;
        *(Run<4>*)to = values;
        return;
    }
#pragma unroll
    for (int i = 0; i < COUNT; i++)
        to[i] = decode(sample, scales, window, channel, (pixel + i) / COLUMNS, (pixel + i) % COLUMNS, PLANE / COLUMNS,
                       COLUMNS);
}
