import type { Finding } from '../boxes/check.js';

/** What is wrong with masks and images, with the words of reports, the worst first. */
export const maskFindings = {
  damaged: ['image that cannot be read, left out', 'images that cannot be read, left out'],
  unreadable: [
    'mask that cannot be read, left out with its image',
    'masks that cannot be read, left out with their images',
  ],
  proportions: [
    'mask of other proportions than its image, left out with it',
    'masks of other proportions than their images, left out with them',
  ],
  missing: ['image without a mask, left out', 'images without a mask, left out'],
  orphan: ['mask without an image', 'masks without an image'],
  unknown: ['mask with unknown values, which are ignored', 'masks with unknown values, which are ignored'],
  extent: ['mask of another size than its image, stretched', 'masks of another size than their images, stretched'],
  ignored: ['mask without a pixel that counts', 'masks without a pixel that counts'],
} as const;
export type MaskFindingKind = keyof typeof maskFindings;

/** `where` is the path of the mask, or of the image. */
export type MaskFinding = Finding<MaskFindingKind>;
