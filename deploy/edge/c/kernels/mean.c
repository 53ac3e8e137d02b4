NAS_KERNEL void nas_mean(const nas_layer *layer) {
  const nas_mean_params *p = layer->params;
  for (int32_t channel = 0; channel < p->channels; channel++) {
    const int8_t *x = layer->a + channel;
    int32_t sum = -p->zero * p->pixels;
    for (int32_t i = 0; i < p->pixels; i++, x += p->channels) sum += *x;
    layer->y[channel] = nas_byte(nas_scaled(sum, p->mantissa, p->right) + p->out_zero, -128, 127);
  }
}
