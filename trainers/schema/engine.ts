import { z } from 'zod';

/** Providers with a choice of devices. */
const hasDevices: ReadonlySet<string> = new Set(['webgpu', 'cuda']);

/** `engine:`; what runs the training step. */
export const engineSchema = z
  .strictObject({
    type: z
      .enum(['auto', 'compiled', 'native'])
      .default('auto')
      .describe(
        'compiled: one ONNX program a training step; native: fused kernels for the processor, and the compiled engine for what they do not train; auto: compiled when `provider` is given; else compiled on a graphics card, and on the processor native where it works',
      ),
    provider: z
      .string()
      .optional()
      .describe(
        'ONNX Runtime execution provider of the compiled engine, as `nas doctor` lists them; by default webgpu where it runs on a graphics card, else cpu',
      ),
    device: z
      .union([z.number().int().min(0), z.string().min(1)])
      .optional()
      .describe(
        'the graphics card, where there are several: for cuda its number, for webgpu (on Linux) a part of its name or its id, as `nas doctor` lists them',
      ),
    threads: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe('for each training worker; by default the cores divided by `search.parallel`'),
  })
  .refine(({ type, provider = 'cpu' }) => type === 'auto' || type === 'compiled' || provider === 'cpu', {
    path: ['provider'],
    error: 'only the compiled engine has providers: the native engine runs on the processor',
  })
  .refine(({ provider = '', device }) => device === undefined || hasDevices.has(provider), {
    path: ['device'],
    error: 'needs the provider webgpu or cuda beside it',
  })
  .refine(({ provider, device = 0 }) => provider !== 'cuda' || typeof device === 'number', {
    path: ['device'],
    error: 'is a number for the provider cuda: 0, 1, ...',
  });
export type EngineConfig = z.output<typeof engineSchema>;
