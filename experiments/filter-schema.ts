import { z } from 'zod';
import { proxyNames } from '../trainers/index.js';

const filter = z.strictObject({
  proxy: z.enum(proxyNames).describe('zero-cost proxy that says which networks look good untrained'),
  of: z.number().int().min(2).max(64).default(8).describe('proposals of the controller that one trial is chosen from'),
});

/** `search.filter:`; a word stands for the proxy. */
export const filterSchema = z
  .preprocess((value) => (typeof value === 'string' ? { proxy: value } : value), filter)
  .optional()
  .describe(
    'of several proposals of the controller, the first is trained that no other beats in the proxy and in all cheap objectives (after Abdelfattah et al. 2021)',
  );
export type FilterConfig = z.output<typeof filter>;
