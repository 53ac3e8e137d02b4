import { engineSchema } from '../../../trainers/index.js';
import { describeEngine } from './contract.js';

describeEngine(engineSchema.parse({ type: 'eager', backend: 'cpu' }));
