
/* Whether a score is the largest of its class among the cell and its eight neighbours. Of equal ones the first is. */
static int nas_is_peak(const int8_t *own, int32_t row, int32_t column) {
  for (int32_t y = row == 0 ? 0 : -1; y <= (row == NAS_ROWS - 1 ? 0 : 1); y++)
    for (int32_t x = column == 0 ? 0 : -1; x <= (column == NAS_COLUMNS - 1 ? 0 : 1); x++) {
      const int8_t other = own[(y * NAS_COLUMNS + x) * NAS_LABELS];
      if (y < 0 || (y == 0 && x < 0) ? other >= *own : other > *own) return 0;
    }
  return 1;
}

static int16_t nas_short(int32_t value) { return (int16_t)(value < -32768 ? -32768 : value > 32767 ? 32767 : value); }

static int16_t nas_centre(int32_t cell, int32_t offset) {
  return nas_short((2 * cell + 1) * NAS_STRIDE * (NAS_PARTS_OF_PIXEL / 2) + offset);
}

#ifdef NAS_BOXES_BYTES
/* A byte's distance from the centre of its cell. */
static int32_t nas_offset(int32_t byte) {
  return ((byte - NAS_BOXES_ZERO) * nas_step + (1 << (nas_step_bits - 1))) >> nas_step_bits;
}

/* What two boxes share along an axis, in half parts of a pixel. */
static uint32_t nas_shared(int32_t a, int32_t side, int32_t b, int32_t other) {
  const int32_t low = 2 * a - side > 2 * b - other ? 2 * a - side : 2 * b - other;
  const int32_t high = 2 * a + side < 2 * b + other ? 2 * a + side : 2 * b + other;
  return high > low ? (uint32_t)(high - low) : 0;
}

static int nas_overlap(const nas_box *a, const nas_box *b) {
  const uint64_t shared =
      (uint64_t)nas_shared(a->x, a->width, b->x, b->width) * nas_shared(a->y, a->height, b->y, b->height);
  const uint32_t areas = (uint32_t)(a->width * a->height) + (uint32_t)(b->width * b->height);
  return shared * 1000u > nas_most_shared * (4u * (uint64_t)areas - shared);
}
#endif

int32_t nas_detect_from(nas_box *boxes, int32_t most, const int16_t *least) {
  const int8_t *own = nas_classes();
  int32_t count = 0, kept = 0;
  if (most <= 0) return 0;
  for (int32_t row = 0; row < NAS_ROWS; row++)
    for (int32_t column = 0; column < NAS_COLUMNS; column++)
      for (int32_t label = 0; label < NAS_LABELS; label++, own++) {
        if (*own < least[label] || (count == most && *own <= boxes[most - 1].score)) continue;
        if (!nas_is_peak(own, row, column)) continue;
        int32_t at = count < most ? count++ : most - 1;
        for (; at > 0 && boxes[at - 1].score < *own; at--) boxes[at] = boxes[at - 1];
        boxes[at].x = (int16_t)column;
        boxes[at].y = (int16_t)row;
        boxes[at].label = (int16_t)label;
        boxes[at].score = *own;
      }
  for (int32_t i = 0; i < count; i++) {
    nas_box box = boxes[i];
    box.score = nas_scores[box.score + 128];
#ifdef NAS_BOXES_BYTES
    const int8_t *from = nas_boxes() + (box.y * NAS_COLUMNS + box.x) * 4;
    box.x = nas_centre(box.x, nas_offset(from[0]));
    box.y = nas_centre(box.y, nas_offset(from[1]));
    box.width = nas_sides[from[2] + 128];
    box.height = nas_sides[from[3] + 128];
    int32_t other = 0;
    while (other < kept && (boxes[other].label != box.label || !nas_overlap(&boxes[other], &box))) other++;
    if (other < kept) continue;
#else
    box.x = nas_centre(box.x, 0);
    box.y = nas_centre(box.y, 0);
    box.width = box.height = NAS_STRIDE * NAS_PARTS_OF_PIXEL;
#endif
    boxes[kept++] = box;
  }
  return kept;
}

int32_t nas_detect(nas_box *boxes, int32_t most) { return nas_detect_from(boxes, most, nas_least); }
