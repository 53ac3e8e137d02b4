import { useState } from 'preact/hooks';
import type { Choice, Decision, RunId } from '../../reports/page/api.js';
import { useRun } from '../data/hooks.js';
import { post, problemText } from '../data/connection.js';
import { useAnswer } from '../data/use-answer.js';
import { Select } from './elements.js';

/** Whether this browser may change runs. */
export const useMayChange = (): boolean =>
  useAnswer({ address: '/api/access', parameters: {} }).answer?.changes ?? false;

interface Sending {
  /** What came of the last request, or of this one; null before the first one. */
  readonly result: string | null;
  readonly isPending: boolean;
  /** Sends a request; its text is the result. */
  readonly send: (request: () => Promise<string>) => void;
}

export function useSending(): Sending {
  const [result, setResult] = useState<string | null>(null);
  const [isPending, setPending] = useState(false);
  const send = (request: () => Promise<string>): void => {
    setPending(true);
    setResult(null);
    request()
      .then(setResult, (error: unknown) => setResult(problemText(error)))
      .finally(() => setPending(false));
  };
  return { result, isPending, send };
}

/** Stops the run, after a second click. */
export function StopButton({ id }: { readonly id: RunId }) {
  const [isAsked, setAsked] = useState(false);
  const { result, isPending, send } = useSending();
  if (!useMayChange()) return null;
  const stop = () => {
    setAsked(false);
    send(() =>
      post('/api/runs/:run/stop', { run: id }, {}).then(() => 'Stopping: the workers write their checkpoints'),
    );
  };
  return (
    <span class="stop">
      {isAsked ? (
        <>
          Stop the run? <code>nas resume</code> continues it.
          <button type="button" class="primary" onClick={stop}>
            Stop
          </button>
          <button type="button" onClick={() => setAsked(false)}>
            Cancel
          </button>
        </>
      ) : (
        <button type="button" disabled={isPending} onClick={() => setAsked(true)}>
          Stop …
        </button>
      )}
      <span role="status">{result}</span>
    </span>
  );
}

const atRandom = '';

function EnqueueForm({ decisions, initial }: { readonly decisions: readonly Decision[]; readonly initial: Choices }) {
  const { live } = useRun();
  const [chosen, setChosen] = useState<Choices>(initial);
  const [name, setName] = useState('');
  const { result, isPending, send } = useSending();
  const enqueue = (): void =>
    send(async () => {
      const body = { choices: chosen, ...(name.trim() === '' ? {} : { name: name.trim() }) };
      const enqueued = await post('/api/runs/:run/enqueue', { run: live.id }, body);
      const later = 'when the run is resumed with more trials (nas resume --trials +1)';
      return `${enqueued.name} is tried ${enqueued.planned ? 'next' : later}.`;
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        enqueue();
      }}
    >
      <div class="fields">
        {decisions.map(({ name: decision, choices }) => (
          <Select
            key={decision}
            label={decision}
            value={decision in chosen ? String(choices.indexOf(chosen[decision])) : atRandom}
            options={[
              [atRandom, 'at random'] as const,
              ...choices.map((choice, i) => [String(i), String(choice)] as const),
            ]}
            onChange={(value) => {
              const others = Object.entries(chosen).filter(([each]) => each !== decision);
              const own = value === atRandom ? [] : [[decision, choices[Number(value)]] as const];
              setChosen(Object.fromEntries([...others, ...own]));
            }}
          />
        ))}
        <label>
          name <input value={name} maxLength={100} onInput={({ currentTarget }) => setName(currentTarget.value)} />
        </label>
      </div>
      <p class="toolbar">
        <button type="submit" class="primary" disabled={isPending}>
          Enqueue
        </button>
        <span role="status">{result}</span>
      </p>
    </form>
  );
}

type Choices = Readonly<Record<string, Choice>>;

/** A form that has the run try a network next; absent where this browser may not change runs. */
export function EnqueueCard({ title, choices }: { readonly title: string; readonly choices: Choices }) {
  const { live } = useRun();
  const [isOpen, setOpen] = useState(false);
  const mayChange = useMayChange();
  const { answer, problem } = useAnswer(
    isOpen ? { address: '/api/runs/:run/space', parameters: { run: live.id } } : null,
  );
  if (!mayChange) return null;
  return (
    <details class="card" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{title}</summary>
      {problem !== null && <p role="alert">{problem}</p>}
      {answer !== null && <EnqueueForm decisions={answer} initial={choices} />}
    </details>
  );
}
