NAS_KERNEL void nas_softmax(const nas_layer *layer) {
  const nas_softmax_params *p = layer->params;
  int32_t largest = -128;
  uint32_t sum = 0;
  for (int32_t i = 0; i < p->count; i++) largest = layer->a[i] > largest ? layer->a[i] : largest;
  for (int32_t i = 0; i < p->count; i++) sum += (uint32_t)p->exponentials[largest - layer->a[i]];
  for (int32_t i = 0; i < p->count; i++) {
    const uint32_t power = (uint32_t)p->exponentials[largest - layer->a[i]];
    layer->y[i] = nas_byte((int32_t)((power * 256 + sum / 2) / sum) - 128, -128, 127);
  }
}
