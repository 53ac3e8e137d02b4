import { z } from 'zod';
import { proxyNames } from '../trainers/index.js';

const of = z
  .number()
  .int()
  .min(2)
  .max(64)
  .default(8)
  .describe('proposals of the controller that one trial is chosen from');

const filter = z.strictObject({
  proxy: z.enum(proxyNames).describe('zero-cost proxy that says which networks look good untrained'),
  of,
});

/** `search.filter:`; a word stands for the proxy. */
export const filterSchema = z
  .preprocess((value) => (typeof value === 'string' ? { proxy: value } : value), filter)
  .optional()
  .describe(
    'of several proposals of the controller, the first is trained that no other beats in the proxy and in all cheap objectives (after Abdelfattah et al. 2021)',
  );
export type FilterConfig = z.output<typeof filter>;

const features = z.strictObject({
  proxies: z
    .array(z.enum(proxyNames))
    .min(1)
    .describe('zero-cost proxies that the surrogate learns from, besides structure and cheap objectives'),
  of,
});

/** `search.features:`. */
export const featuresSchema = features
  .optional()
  .describe(
    'of several proposals of the surrogate, the one is trained that is worth most when zero-cost proxies are features of its models',
  );
export type FeaturesConfig = z.output<typeof features>;
