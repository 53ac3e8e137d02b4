import { mainScores, scoreText } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import { taskOf } from '../../experiments/schema/measures.js';
import { lossSchema, type PreparedTeacher, type TrainConfig } from '../../trainers/index.js';
import type { TrainingContext } from '../plan.js';

/** The parts of a teacher that a comparison needs. */
type Compared = Pick<PreparedTeacher, 'name' | 'accuracy' | 'chance'>;

/** Standard errors of the teacher's score by which its best student must exceed it. */
const margins = { warning: 1, leaving: 2 };

/** Whether a student's score on the same validation images exceeds the teacher's by some standard errors. */
function exceeds(best: number, { accuracy, chance: { images } }: Compared, task: TaskType, errors: number): boolean {
  const spread = task === 'regression' ? 0 : Math.sqrt((accuracy * (1 - accuracy)) / images);
  return best > accuracy + errors * spread;
}

function weaknessOf({ name, accuracy }: Compared, best: number, task: TaskType): string {
  const [own, theirs] = [accuracy, best].map((score) => scoreText(task, score));
  return `The teacher, ${name}, knows less than its students: its ${mainScores[task].title} is ${own}, that of the best student ${theirs}`;
}

/**
 * A warning about a teacher that knows less than its students, by more than a standard error of its score; null for others.
 * @param best the highest score of a student on the same validation images
 */
export const weakTeacherMessage = (teacher: Compared, best: number, task: TaskType = 'classification'): string | null =>
  exceeds(best, teacher, task, margins.warning)
    ? `${weaknessOf(teacher, best, task)}. Students may do better without it (teacher: none), or with a better teacher`
    : null;

/** The same training by the labels alone. */
export function untaught(train: TrainConfig): TrainConfig {
  const { loss } = train;
  if (loss === undefined || loss.type === 'cross-entropy') return train;
  return { ...train, loss: lossSchema.parse({ type: 'cross-entropy', label_smoothing: loss.label_smoothing }) };
}

/**
 * Detail of an event of the kind `teacher-left`. Its trial is the first one that learns from the labels alone; without a trial, it
 * is about the final trainings.
 */
interface TeacherLeft {
  readonly message: string;
  /** The hash of the teacher: after a change of the data, there is another one. */
  readonly teacher: string;
}

/**
 * Ends the listening to a teacher that knows less than its students. A trial's decision uses the results that the controller had
 * when it was asked, and is stored with the trial: a resumed run decides the same.
 */
export class Listening {
  constructor(private readonly context: TrainingContext) {}

  /** Whether a trial, or the final trainings, learn from the teacher. */
  hears({ hash }: PreparedTeacher, trial = Infinity): boolean {
    const left = this.context.store.events.of('teacher-left');
    return !left.some((event) => (event.detail as TeacherLeft).teacher === hash && (event.trial ?? Infinity) <= trial);
  }

  /**
   * Compares the teacher with its students.
   * @param trial the trial that is asked for; absent: the search is over
   */
  compare(teacher: PreparedTeacher, scores: readonly number[], trial?: number): void {
    const { plan, store, observe } = this.context;
    const { data, final } = plan.experiment;
    const [best, task] = [Math.max(...scores), taskOf(data)];
    if (!exceeds(best, teacher, task, margins.warning) || !this.hears(teacher, trial)) return;
    // Images without labels have no answers but the teacher's.
    const isNeeded = teacher.logits === null || plan.dataset.unlabelled !== undefined;
    const mayLeave =
      !isNeeded && exceeds(best, teacher, task, margins.leaving) && (trial !== undefined || final !== null);
    if (mayLeave) {
      const from = trial === undefined ? 'The final trainings learn' : `From trial ${trial} on, students learn`;
      const message = `${weaknessOf(teacher, best, task)}. ${from} from the labels alone`;
      const detail: TeacherLeft = { message, teacher: teacher.hash };
      store.events.add({ kind: 'teacher-left', ...(trial !== undefined && { trial }), detail });
      observe({ kind: 'warning', message });
    } else if (trial === undefined) {
      const message = weakTeacherMessage(teacher, best, task);
      if (message !== null) observe({ kind: 'warning', message });
    }
  }
}
