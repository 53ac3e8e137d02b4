NAS_KERNEL void nas_add(const nas_layer *layer) {
  const nas_pair_params *p = layer->params;
  const int8_t *a = layer->a, *b = layer->b;
  int8_t *y = layer->y;
  for (int32_t i = 0, j = 0; i < p->count; i++, j = j + 1 < p->period ? j + 1 : 0) {
#if NAS_TFLM
    const int32_t first = nas_scaled((a[i] - p->zero_a) * (1 << 20), p->first, p->first_right);
    const int32_t second = nas_scaled((b[j] - p->zero_b) * (1 << 20), p->second, p->second_right);
    const int32_t sum = nas_scaled(first + second, p->bias, p->shift);
#else
    const int32_t sum = (a[i] * p->first + b[j] * p->second + p->bias) >> p->shift;
#endif
    y[i] = nas_byte(sum + p->zero, p->low, p->high);
  }
}
