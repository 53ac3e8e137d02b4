/* Unsigned numbers at the end of a line of text. */
static inline char *nas_bench_digits(char *at, uint32_t value) {
  char digits[10];
  int32_t count = 0;
  do digits[count++] = (char)('0' + value % 10u);
  while (value /= 10u);
  while (count > 0) *at++ = digits[--count];
  *at++ = ' ';
  return at;
}

#if defined(__GNUC__) && !defined(__clang__)
#define NAS_BENCH_COMPILER "GCC " __VERSION__
#elif defined(__VERSION__)
#define NAS_BENCH_COMPILER __VERSION__
#else
#define NAS_BENCH_COMPILER "unknown compiler"
#endif

/*
 * Runs the model once on fixed bytes, and prints a line: "nas", the model, the number of the run, ticks, ticks a second, wrong
 * outputs, the compiler, and the CRC-32 of the text before it. Call it again and again, with 0, 1, 2, ...
 *
 * ticks() is a clock that counts up, and begins again after 2^32 - 1; hz is how often it counts in a second. print() writes text.
 */
static inline void nas_bench(uint32_t run, uint32_t hz, uint32_t (*ticks)(void), void (*print)(const char *text)) {
  int8_t *input = nas_input();
  uint32_t random = 1;
  for (int32_t i = 0; i < NAS_INPUT_BYTES; i++) {
    random = random * 1664525u + 1013904223u;
    input[i] = (int8_t)((int32_t)(random >> 24) - 128);
  }
  const uint32_t start = ticks();
  nas_run();
  const uint32_t taken = ticks() - start;
  uint32_t wrong = 0;
  for (int32_t i = 0; i < NAS_OUTPUT_BYTES; i++) wrong += nas_output_byte(i) != nas_bench_output[i];

  char line[128], *at = line;
  for (const char *from = "nas " NAS_BENCH_ID " "; *from; from++) *at++ = *from;
  at = nas_bench_digits(at, run);
  at = nas_bench_digits(at, taken);
  at = nas_bench_digits(at, hz);
  at = nas_bench_digits(at, wrong);
  for (const char *from = NAS_BENCH_COMPILER; *from && at < line + 112; from++) *at++ = *from;
  *at++ = ' ';
  uint32_t crc = 0xFFFFFFFFu;
  for (const char *from = line; from < at; from++) {
    crc ^= (uint32_t)(uint8_t)*from;
    for (int32_t bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
  }
  at = nas_bench_digits(at, ~crc);
  at[-1] = '\n';
  *at = 0;
  print(line);
}
