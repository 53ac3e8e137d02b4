/* Padded copies of maps and images: what convolutions read, with zeros around it. */
#ifndef NAS_PADDED_H
#define NAS_PADDED_H

#include "maps.h"

enum padded_contents { MAP, IMAGE, GRADIENT };

/* Padded copies [images][blocks][height][width][lanes] of a part of a map. */
struct padded {
  enum padded_contents contents;
  int channels, blocks, lanes; /* of the map; lanes: floats of a pixel */
  int rows, columns;           /* of the map */
  int left, width;             /* the map's column at the begin of a plane, may be < 0; columns of a plane */
  int top, height;             /* the same for rows: of a strip */
};

INLINE long padded_floats(const struct padded *planes) { return (long)planes->height * planes->width * planes->lanes; }

/* Copies a part of one block of an image, and zeros around it. */
static void fill_plane(const struct work *work, const struct nas_pass *pass, const struct padded *planes, int image, int block,
                       float *out) {
  const int lanes = planes->lanes, rest = planes->columns - planes->left, end = rest < planes->width ? rest : planes->width;
  const int begin = planes->left < 0 ? -planes->left : 0; /* columns begin <= x < end of the plane are of the map */
  struct reading reading = {0};
  if (planes->contents == MAP) reading = input_of(work, pass, image, block);
  for (int y = 0; y < planes->height; y++, out += planes->width * lanes) {
    const int row = planes->top + y;
    if (row < 0 || row >= planes->rows) {
      memset(out, 0, (size_t)planes->width * (size_t)lanes * 4);
      continue;
    }
    const long pixel = (long)row * planes->columns + planes->left + begin;
    float *inner = out + begin * lanes;
    memset(out, 0, (size_t)begin * (size_t)lanes * 4);
    memset(out + end * lanes, 0, (size_t)(planes->width - end) * (size_t)lanes * 4);
    if (planes->contents == MAP) read_rows(&reading, pixel, end - begin, inner, 0);
    else if (planes->contents == GRADIENT) grad_rows(work, pass, image, block, pixel, end - begin, inner);
    else
      memcpy(inner, at(work, pass->x) + ((long)image * planes->rows * planes->columns + pixel) * lanes,
             (size_t)(end - begin) * (size_t)lanes * 4);
  }
}

/* All blocks of the images from <= n < to. */
static void fill_planes(const struct work *work, const struct nas_pass *pass, const struct padded *planes, int from, int to,
                        float *out) {
  for (int n = from; n < to; n++)
    for (int b = 0; b < planes->blocks; b++, out += padded_floats(planes)) fill_plane(work, pass, planes, n, b, out);
}

/* Reserves floats of scratch, aligned to 64 bytes. */
INLINE long reserve(long *used, long floats) {
  const long from = *used;
  *used += (floats + 15) / 16 * 16;
  return from;
}

#endif
