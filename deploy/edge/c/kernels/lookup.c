NAS_KERNEL void nas_lookup(const nas_layer *layer) {
  const nas_lookup_params *p = layer->params;
  for (int32_t i = 0; i < p->count; i++) layer->y[i] = p->table[(uint8_t)layer->a[i]];
}
