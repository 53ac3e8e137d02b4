// Times the model again and again, for nas latency measure --device serial.
#include "model_bench.h"

static uint32_t ticks() { return micros(); }
static void print(const char *text) { Serial.print(text); }

void setup() { Serial.begin(115200); }

void loop() {
  static uint32_t run = 0;
  nas_bench(run++, 1000000, ticks, print);
}
