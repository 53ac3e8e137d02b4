import { isMapTask, type TaskType } from '../base/task.js';
import type { Task } from '../spaces/index.js';
import type { DatasetInfo } from './data/splits.js';

/** What the networks of a space share for some data. @param task of the data; default: classification */
export const spaceTask = (
  { height, width, channels, classes }: Pick<DatasetInfo, 'height' | 'width' | 'channels' | 'classes'>,
  task: TaskType = 'classification',
): Task => ({
  input: [height, width, channels],
  classes: classes.length,
  ...(isMapTask(task) && { maps: task }),
});
