/**
 * Detectors from nothing: scores after few CPU seconds, by the defaults of the recipe.
 *
 * Method: one network (121 k parameters, output stride 4), trained on one thread for each seed, on all images that are not scored.
 * The scored images are the test images of the data, or with `--scored validation` its validation images. CPU time is that of the
 * training (`fit`). Without `--images`, the data is a set of photographs of faces with masks. `--teacher` names the file of a detector,
 * whose answers are computed once for all seeds, and `--width` scales the channels of the network.
 *
 * `--task centroids` finds the middles of boxes alone, with cells of 8 pixels.
 *
 *   npm run bench:detection -- [--images folder] [--size 128,192] [--train '{"epochs": 12}'] [--seeds 1,2,3] [--teacher teacher.onnx]
 *     [--task centroids]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { boxTasks } from '../base/task.js';
import { dataSchema } from '../trainers/index.js';
import { benchMaps, mapOptions } from './maps/bench-maps.js';
import { unpackedImages } from './supernet/setting.js';

const { values: options } = parseArgs({
  options: {
    ...mapOptions,
    task: { type: 'string', default: 'detection' },
    size: { type: 'string', default: '128,192' },
    train: { type: 'string', default: '{"epochs": 12}' },
    output: { type: 'string', short: 'o', default: 'runs/bench-detection' },
  },
});

const task = z.enum(boxTasks).parse(options.task);
const path = options.images ?? join(await unpackedImages(options.output, 'detection', 'detection'), 'facemask');
const size = options.size.split(',').map(Number);
await benchMaps({
  task,
  data: dataSchema.parse({ type: 'boxes', path, task, size }),
  stride: task === 'detection' ? 4 : 8,
  ofClass: task === 'detection' ? 'ap50' : 'f1',
  options,
});
