
void nas_segment(uint8_t *classes) {
  const int8_t *own = nas_classes();
  for (int32_t cell = 0; cell < NAS_CELLS; cell++, own += NAS_LABELS) {
    int32_t best = 0;
    for (int32_t label = 1; label < NAS_LABELS; label++)
      if (own[label] > own[best]) best = label;
    classes[cell] = (uint8_t)best;
  }
}
