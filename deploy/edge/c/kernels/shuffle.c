NAS_KERNEL void nas_shuffle(const nas_layer *layer) {
  const nas_shuffle_params *p = layer->params;
  const int32_t each = p->channels / p->groups;
  const int8_t *x = layer->a;
  int8_t *y = layer->y;
  for (int32_t pixel = 0; pixel < p->pixels; pixel++, x += p->channels)
    for (int32_t i = 0; i < each; i++)
      for (int32_t group = 0; group < p->groups; group++) *y++ = x[group * each + i];
}
