import { signal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useEffect, useRef } from 'preact/hooks';
import { pages } from './pages.js';
import { nextTheme } from '../data/theme.js';

const key = 'nas-shortcuts';

/** Single keys may be in the way of those who steer by voice: they can be switched off. */
const enabled = signal(localStorage.getItem(key) !== 'off');

const tabs = pages.flatMap(({ path, tab }) => (tab === undefined ? [] : [{ path, tab }]));

interface Shortcut {
  readonly keys: string;
  readonly does: string;
}

const listed: readonly Shortcut[] = [
  { keys: '?', does: 'this help' },
  { keys: 'r', does: 'all runs' },
  ...tabs.map(({ tab }, i) => ({ keys: `${i + 1}`, does: `${tab} of this run` })),
  { keys: '/', does: 'to the filter' },
  { keys: 't', does: 'the next theme' },
];

/** Whether a key that is pressed there is text. */
const takesText = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.matches('input:not([type=checkbox],[type=radio]), textarea, select, [role=listbox]'));

/** The page that a key opens from an address. */
function pageOf(pressed: string, path: string): string | null {
  if (pressed === 'r') return '/';
  const run = /^\/runs\/[^/]+/.exec(path)?.[0];
  const tab = tabs.find((_, i) => `${i + 1}` === pressed);
  return run === undefined || tab === undefined ? null : tab.path.replace('/runs/:run', run);
}

/** What a key does; whether it does anything. */
function press(pressed: string, path: string, open: (address: string) => void, help: () => void): boolean {
  if (pressed === '?') help();
  else if (pressed === 't') nextTheme();
  else if (pressed === '/') {
    const field = document.querySelector<HTMLInputElement>('main :is([type=search], [role=combobox])');
    if (field === null) return false;
    field.focus();
  } else {
    const page = pageOf(pressed, path);
    if (page === null) return false;
    open(page);
  }
  return true;
}

/** The keys that work everywhere, and the dialog that lists them. */
export function Shortcuts() {
  const { path, route } = useLocation();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const modified = event.ctrlKey || event.metaKey || event.altKey;
      if (
        !enabled.value ||
        modified ||
        event.defaultPrevented ||
        takesText(event.target) ||
        dialog.current?.open === true
      )
        return;
      if (press(event.key, path, route, () => dialog.current?.showModal())) event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [path, route]);
  return (
    <>
      <button type="button" class="plain" aria-haspopup="dialog" onClick={() => dialog.current?.showModal()}>
        Keys
      </button>
      <dialog ref={dialog} aria-labelledby="keys-title">
        <h2 id="keys-title">Keys</h2>
        <dl class="keys">
          {listed.map(({ keys, does }) => (
            <div key={keys}>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <label>
          <input
            type="checkbox"
            checked={enabled.value}
            onChange={({ currentTarget: { checked } }) => {
              enabled.value = checked;
              localStorage.setItem(key, checked ? 'on' : 'off');
            }}
          />{' '}
          These keys work
        </label>
        <form method="dialog">
          <button>Close</button>
        </form>
      </dialog>
    </>
  );
}
