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
