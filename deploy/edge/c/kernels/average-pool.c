NAS_KERNEL void nas_average_pool(const nas_layer *layer) {
  const nas_pool_params *p = layer->params;
  int8_t *y = layer->y;
  for (int32_t oy = 0; oy < p->out_height; oy++)
    for (int32_t ox = 0; ox < p->out_width; ox++)
      for (int32_t channel = 0; channel < p->channels; channel++) {
        int32_t sum = 0, count = 0;
        for (int32_t row = 0; row < p->rows; row++)
          for (int32_t column = 0; column < p->columns; column++) {
            const int32_t iy = oy * p->stride_y - p->top + row, ix = ox * p->stride_x - p->left + column;
            if (iy < 0 || iy >= p->height || ix < 0 || ix >= p->width) continue;
            const int32_t x = layer->a[(iy * p->width + ix) * p->channels + channel];
            sum += x, count++;
          }
        *y++ = (int8_t)((sum < 0 ? sum - count / 2 : sum + count / 2) / count);
      }
}
