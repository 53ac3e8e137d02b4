/*
 * Starts a Cortex-M under QEMU, without any library. Runs the test images and ends: exit code 0 when all outputs are right. With
 * -DNAS_BENCH_HZ=25000000 (how often its SysTick counts in a second) it runs the benchmark without end instead.
 */
#include "model_bench.h"
#ifndef NAS_BENCH_HZ
#include "model_test.h"
#endif

extern uint32_t stack_top, bss_start, bss_end;
void Reset(void);
static void Fault(void);
static void Tick(void);
__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &stack_top, Reset, Fault, Fault, Fault, Fault, Fault, 0, 0, 0, 0, 0, 0, 0, 0, Tick};

static int semihost(int operation, const void *argument) {
  register int r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}
static void print(const char *text) { semihost(4, text); }
static void end(uint32_t code) {
  const uint32_t reason[2] = {0x20026, code};
  semihost(0x20, reason);
  for (;;) {
  }
}
static void Fault(void) {
  print("fault\n");
  end(2);
}

/* SysTick counts down 24 bits; its interrupt counts how often. */
#define SYSTICK(offset) (*(volatile uint32_t *)(0xE000E010u + (offset)))
static volatile uint32_t turns;
static void Tick(void) { turns++; }

#ifdef NAS_BENCH_HZ
static uint32_t ticks(void) {
  for (;;) {
    const uint32_t before = turns, count = SYSTICK(8);
    if (before == turns) return (before << 24) + 0xFFFFFFu - count;
  }
}
static void run(void) {
  SYSTICK(4) = 0xFFFFFF;
  SYSTICK(8) = 0;
  SYSTICK(0) = 7;
  for (uint32_t n = 0;; n++) nas_bench(n, NAS_BENCH_HZ, ticks, print);
}
#else
static void run(void) {
  char line[64], *at = line;
  const uint32_t wrong = (uint32_t)nas_self_test();
  at = nas_bench_digits(at, wrong);
  for (const char *from = "wrong outputs of "; *from; from++) *at++ = *from;
  at = nas_bench_digits(at, NAS_TESTS * NAS_OUTPUT_BYTES);
  at[-1] = '\n';
  *at = 0;
  print(line);
  end(wrong != 0);
}
#endif

void Reset(void) {
  /* Floating point and vectors on. */
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20;
  __asm__ volatile("dsb\n isb");
  for (uint32_t *word = &bss_start; word < &bss_end; word++) *word = 0;
  run();
}
