NAS_KERNEL void nas_channels(const nas_layer *layer) {
  const nas_channels_params *p = layer->params;
  const int8_t *x = layer->a;
  int8_t *y = layer->y;
  for (int32_t pixel = 0; pixel < p->pixels; pixel++, x += p->from_channels, y += p->to_channels)
    for (int32_t i = 0; i < p->count; i++) y[i] = x[i];
}
