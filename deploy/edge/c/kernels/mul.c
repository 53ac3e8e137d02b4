NAS_KERNEL void nas_mul(const nas_layer *layer) {
  const nas_pair_params *p = layer->params;
  const int8_t *a = layer->a, *b = layer->b;
  int8_t *y = layer->y;
  for (int32_t i = 0, j = 0; i < p->count; i++, j = j + 1 < p->period ? j + 1 : 0)
    y[i] = nas_byte(nas_scaled((a[i] - p->zero_a) * (b[j] - p->zero_b), p->first, p->first_right) + p->zero, p->low, p->high);
}
