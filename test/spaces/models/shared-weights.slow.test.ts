import { efficientnetPresets } from '../../../spaces/types/efficientnet.js';
import { mobilenetPresets } from '../../../spaces/types/mobilenet.js';
import { describeSharedWeights } from './shared.js';

const keys = <K extends string>(presets: Readonly<Record<K, unknown>>): K[] => Object.keys(presets) as K[];

for (const preset of keys(mobilenetPresets))
  describeSharedWeights(`mobilenet ${preset}`, { type: 'mobilenet', preset });
for (const preset of keys(efficientnetPresets))
  describeSharedWeights(`efficientnet ${preset}`, { type: 'efficientnet', preset });
