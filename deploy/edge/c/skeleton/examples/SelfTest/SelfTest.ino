// Runs the test images of the model, and prints how many outputs are wrong and how long an image takes.
#include "model.h"
#include "model_test.h"

void setup() {
  Serial.begin(115200);
  while (!Serial) {
  }
  const uint32_t start = micros();
  const int wrong = nas_self_test();
  const uint32_t each = (micros() - start) / NAS_TESTS;
  Serial.print("wrong outputs: ");
  Serial.println(wrong);
  Serial.print("microseconds an image: ");
  Serial.println(each);
}

void loop() {}
