import { z } from 'zod';

/** By network and lowering: how many times as long a step takes without it; null where it makes no difference to it. */
export const gainsSchema = z.record(z.string(), z.record(z.string(), z.number().nullable()));
export type Gains = z.output<typeof gainsSchema>;
