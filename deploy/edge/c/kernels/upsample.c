NAS_KERNEL void nas_upsample(const nas_layer *layer) {
  const nas_upsample_params *p = layer->params;
  int8_t *y = layer->y;
  for (int32_t row = 0; row < p->out_height; row++)
    for (int32_t column = 0; column < p->out_width; column++) {
      const int8_t *x = layer->a + ((row >> 1) * p->width + (column >> 1)) * p->channels;
      for (int32_t channel = 0; channel < p->channels; channel++) *y++ = *x++;
    }
}
