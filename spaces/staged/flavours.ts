import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import type { Style } from '../network.js';

export const flavours = ['torchvision', 'timm', 'keras'] as const;
export type Flavour = (typeof flavours)[number];

/** `flavour:`; the library whose published weights the networks can hold. */
export const flavourKey = z
  .enum(flavours)
  .optional()
  .describe(
    "the library whose files the networks compute like: its padding and batch norm's epsilon; for presets of published networks; by default as keras",
  );

/**
 * What libraries define differently: torchvision.models; timm's models without the prefix `tf_`; keras.applications, whose
 * values are our own. Momentum is none of it: theirs suit hundreds of thousands of steps, and it does not change what a
 * file computes.
 */
const styles: { readonly [F in Flavour]: Partial<Style> } = {
  torchvision: { padding: 'symmetric', epsilon: 1e-5 },
  timm: { padding: 'symmetric', epsilon: 1e-5 },
  keras: { padding: 'same', epsilon: 1e-3 },
};

/** The presets whose largest members are published, with their exceptions from a library's style. */
const published: { readonly [preset: string]: { readonly [F in Flavour]?: Partial<Style> } | undefined } = {
  mobilenetv1: {},
  mobilenetv2: {},
  'mobilenetv3-small': { torchvision: { epsilon: 1e-3 } },
  'mobilenetv3-large': { torchvision: { epsilon: 1e-3 } },
  'mobilenetv4-conv-small': {},
  'mobilenetv4-conv-medium': {},
  'mobilenet-edgetpu-v2': {},
  'efficientnet-b0': {},
};

/**
 * The style of a library's networks of a preset; nothing without a flavour.
 * @throws NasError `invalid-input` for a preset without published networks
 */
export function styleInFlavour(flavour: Flavour | undefined, preset: string): Partial<Style> {
  if (flavour === undefined) return {};
  const own = published[preset];
  if (own !== undefined) return { ...styles[flavour], ...own[flavour] };
  throw invalidInput(`space.flavour: the preset ${preset} has no published networks in the flavour of ${flavour}`, {
    hint: `Set space.preset to one of ${Object.keys(published).join(', ')}.`,
  });
}
