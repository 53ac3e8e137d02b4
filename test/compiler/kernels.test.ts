import { describe, it } from 'vitest';
import { type Case } from './cases/case.js';
import { imageCases } from './cases/convolution.js';
import { elementwiseCases } from './cases/elementwise.js';
import { lossCases } from './cases/losses.js';
import { reductionsAndProducts } from './cases/reduction.js';
import { shapeCases } from './cases/shape.js';
import { withInputGradients } from './support/gradients.js';
import { expectSameAsReference } from './support/reference.js';
import { Sampler } from './support/samples.js';

const groups: Readonly<Record<string, readonly Case[]>> = {
  'elementwise kernels': elementwiseCases,
  'shape kernels': shapeCases,
  'reductions and matrix products': reductionsAndProducts,
  'convolutions, pools, resizing and normalisation': imageCases,
  losses: lossCases,
};

for (const [title, cases] of Object.entries(groups)) {
  describe(`${title}, compiled, agree with the cpu backend`, () => {
    for (const { name, inputs, f, gradients = [], tolerance = 1e-5 } of cases)
      it(name, () =>
        expectSameAsReference(gradients.length > 0 ? withInputGradients(f, gradients) : f, inputs(new Sampler(name)), {
          tolerance,
        }),
      );
  });
}
