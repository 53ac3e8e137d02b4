import { thresholdsOf, type Details } from '../../base/scores.js';
import type { ModelMetadata } from '../../deploy/index.js';

/**
 * Adds the thresholds of the classes to the metadata of a detector. The metadata of other networks stays as it is.
 * @param details of the validation images, for which the thresholds were best; undefined: they are not known
 */
export function withThresholds(metadata: ModelMetadata, details: Details | undefined): ModelMetadata {
  const { detection } = metadata;
  const thresholds = details && thresholdsOf(details);
  if (thresholds === undefined || detection === undefined) return metadata;
  return { ...metadata, detection: { ...detection, thresholds } };
}
