import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe } from 'vitest';
import { resolveTarget } from '../../compiler/index.js';
import { testPrograms } from './support/fuzz.js';

afterEach(() => tf.disposeVariables());

describe('random programs', () => testPrograms(10, ({ blocked }) => resolveTarget({ blocked })));
