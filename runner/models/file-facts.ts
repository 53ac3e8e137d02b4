import type { ImageSize } from '../../base/image-pixels.js';
import { nasVersion } from '../../base/modules.js';
import { completeDecoding } from '../../base/preprocess.js';
import { thresholdsOf, type Details } from '../../base/scores.js';
import type { ModelMetadata } from '../../deploy/index.js';
import { renderingOf, type DataConfig, type DatasetInfo } from '../../trainers/index.js';

/** What the metadata of a file say of the data that its network was trained on, and of the file itself. */
export const fileFacts = (
  { classes, task, mean, std }: Pick<DatasetInfo, 'classes' | 'task' | 'mean' | 'std'>,
  data: DataConfig,
  input: ImageSize,
) =>
  ({
    classes,
    ...(task.type !== 'classification' && { task }),
    layout: 'NHWC',
    input,
    mean,
    std,
    preprocess: completeDecoding(renderingOf(data)),
    nas_version: nasVersion(),
    created: new Date().toISOString(),
  }) as const satisfies ModelMetadata;

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
