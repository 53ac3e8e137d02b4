NAS_KERNEL void nas_pad(const nas_layer *layer) {
  const nas_pad_params *p = layer->params;
  const int8_t *x = layer->a;
  int8_t *y = layer->y;
  for (int32_t row = -p->top; row < p->height + p->bottom; row++)
    for (int32_t column = -p->left; column < p->width + p->right; column++) {
      const int is_inside = row >= 0 && row < p->height && column >= 0 && column < p->width;
      for (int32_t channel = 0; channel < p->channels; channel++) *y++ = is_inside ? *x++ : (int8_t)p->zero;
    }
}
