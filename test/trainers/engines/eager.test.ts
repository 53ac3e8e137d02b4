import { engineSchema } from '../../../trainers/index.js';
import { describeEngine, openSingle } from './contract.js';

describeEngine('eager', openSingle(engineSchema.parse({ type: 'eager' })));
