import { accuracyOf, isAccuracy } from '../measures.js';
import { isOwnSupernet } from '../kinds.js';
import { when, type TrainingCheck } from './contradiction.js';

/** What trains has no place beside a function that evaluates. */
const ownEvaluation: TrainingCheck = ({ evaluate, teacher, supernet, final, search }) => {
  if (evaluate === undefined) return [];
  const message = (part: string) => `evaluate says what candidates come to: expected no ${part} beside it`;
  return [
    ...when(teacher.type !== 'none', ['teacher'], message('teacher')),
    ...when(supernet !== undefined, ['supernet'], message('supernet')),
    ...when(final !== null, ['final'], message('final training')),
    ...when(search.fidelity.type !== 'none', ['search', 'fidelity'], message('fidelity but none')),
  ];
};

/** What needs a supernet needs one that is there, and one that is there is needed. */
const supernetUse: TrainingCheck = ({ supernet, search: { evaluate }, final }) => {
  const needed = 'needs a supernet to begin from: add one (supernet: {epochs: 12}), or expected';
  if (supernet === undefined)
    return [
      ...when(evaluate !== 'train', ['search', 'evaluate'], `got "${evaluate}"; it ${needed} train`),
      ...when(final?.from === 'supernet', ['final', 'from'], `got "supernet"; it ${needed} nothing`),
    ];
  const unused = 'nothing uses it: search.evaluate is train, and no final training begins from it';
  return when(evaluate === 'train' && final?.from !== 'supernet', ['supernet'], unused);
};

/** What begins from weights that are given needs some, and some that are given are needed. */
const initialUse: TrainingCheck = ({ initial, evaluate: own, supernet, search: { evaluate }, final }) => {
  const path = ['train', 'from'];
  if (initial === undefined) {
    const message = 'got "weights"; it needs weights to begin from: add train.from, or expected nothing';
    return when(final?.from === 'weights', ['final', 'from'], message);
  }
  if (own !== undefined)
    return [{ path, message: 'evaluate says what candidates come to: expected no from beside it' }];
  const isUsed = supernet === undefined || isOwnSupernet(supernet) || evaluate === 'train' || final?.from === 'weights';
  return when(
    !isUsed,
    path,
    'nothing uses it: the supernet of supernet.from is trained already, and all begin from that',
  );
};

/** A run finds accuracies of one kind; `accuracy` among its objectives means that one. */
const accuracyKind: TrainingCheck = ({ objectives, search }) =>
  objectives.flatMap(({ name }, i) => {
    const found = accuracyOf(search.evaluate);
    const message = `got "${name}"; with search.evaluate ${search.evaluate} the search finds ${found}: expected accuracy, which means it`;
    return when(isAccuracy(name) && name !== found, ['objectives', i], message);
  });

/** How candidates come to their values, and what they begin with. */
export const evaluationChecks: readonly TrainingCheck[] = [ownEvaluation, supernetUse, initialUse, accuracyKind];
