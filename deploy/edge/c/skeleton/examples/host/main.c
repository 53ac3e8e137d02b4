/* Runs the test images of the model: exit code 0 when all outputs are right. */
#include <stdio.h>
#include "../../model_test.h"

int main(void) {
  const int wrong = nas_self_test();
  printf("%d test images, %d wrong outputs of %d\n", NAS_TESTS, wrong, NAS_TESTS * NAS_OUTPUT_BYTES);
  return wrong != 0;
}
