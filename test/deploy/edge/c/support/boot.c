/* Starts a Cortex-M under QEMU, runs the self-test, and prints by semihosting: wrong outputs and instructions an image. */
#include "model_test.h"

extern uint32_t stack_top, bss_start, bss_end;
int main(void);
void Reset(void);
void Fault(void);
__attribute__((section(".vectors"), used)) const void *vectors[16] = {&stack_top, Reset, Fault, Fault, Fault, Fault, Fault};

static int semihost(int operation, const void *argument) {
  register int r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}
static void end(uint32_t code) {
  const uint32_t reason[2] = {0x20026, code};
  semihost(0x20, reason);
  for (;;) {
  }
}
static void print(const char *text) { semihost(4, text); }
static void print_number(uint32_t value) {
  char digits[12], *at = digits + 11;
  *at = 0;
  do *--at = (char)('0' + value % 10);
  while (value /= 10);
  print(at);
}
void Fault(void) {
  print("fault\n");
  end(2);
}
#define SYSTICK(offset) (*(volatile uint32_t *)(0xE000E010u + (offset)))
void Reset(void) {
  /* Floating point and vectors on. */
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20;
  __asm__ volatile("dsb\n isb");
  for (uint32_t *word = &bss_start; word < &bss_end; word++) *word = 0;
  end((uint32_t)main());
}
int main(void) {
  const int wrong = nas_self_test();
  SYSTICK(4) = 0xFFFFFF;
  SYSTICK(8) = 0;
  SYSTICK(0) = 5;
  const uint32_t start = SYSTICK(8);
  nas_run();
  const uint32_t ticks = (start - SYSTICK(8)) & 0xFFFFFF;
  print("part ");
  print_number((*(volatile uint32_t *)0xE000ED00u >> 4) & 0xFFF);
  print(" wrong ");
  print_number((uint32_t)wrong);
  print(" of ");
  print_number(NAS_TESTS * NAS_OUTPUT_BYTES);
  print(" ticks ");
  print_number(ticks);
  print("\n");
  return wrong != 0;
}
