/** Ways to train the supernet: what each has otherwise than the defaults of `supernet:`. */
export const variants: Readonly<Record<string, object>> = {
  default: {},
  'soft labels 0.5': { soft_labels: 0.5 },
  'soft labels rising to 0.5': { soft_labels: { from: 0, to: 0.5 } },
  'one random network': { networks: 1 },
  'four random networks': { networks: 4 },
  'held for 8 steps': { hold: 8 },
  'held for 32 steps': { hold: 32 },
  'evenly over log MACs': { sampling: 'macs' },
  'learning rate 0.1': { optimizer: { type: 'sgd', learning_rate: 0.1 } },
  'learning rate 0.4': { optimizer: { type: 'sgd', learning_rate: 0.4 } },
  'learning rate 0.8': { optimizer: { type: 'sgd', learning_rate: 0.8 } },
};
