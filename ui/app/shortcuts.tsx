import { signal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useEffect, useRef } from 'preact/hooks';
import { Checkbox } from '../components/elements.js';
import { nextTheme } from '../data/theme.js';
import { pages } from './pages.js';

const key = 'nas-shortcuts';

/** Single-key shortcuts get in the way of voice control, so they can be switched off. */
const enabled = signal(localStorage.getItem(key) !== 'off');

const tabs = pages.flatMap(({ path, tab }) => (tab === undefined ? [] : [{ path, tab }]));

const listed = [
  { keys: '?', does: 'this help' },
  { keys: 'r', does: 'all runs' },
  ...tabs.map(({ tab }, i) => ({ keys: `${i + 1}`, does: `${tab} of this run` })),
  { keys: '/', does: 'the filter' },
  { keys: 't', does: 'the next theme' },
];

/** Whether the element takes text, so that a key is no shortcut there. */
const takesText = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.matches('input:not([type=checkbox],[type=radio]), textarea, select, [role=listbox]'));

function pageOf(pressed: string, path: string): string | null {
  if (pressed === 'r') return '/';
  const run = /^\/runs\/[^/]+/.exec(path)?.[0];
  const tab = tabs.find((_, i) => `${i + 1}` === pressed);
  return run === undefined || tab === undefined ? null : tab.path.replace('/runs/:run', run);
}

/** Handles a key. @returns whether it is a shortcut. */
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
        <Checkbox
          label="These keys work"
          checked={enabled.value}
          onChange={(checked) => {
            enabled.value = checked;
            localStorage.setItem(key, checked ? 'on' : 'off');
          }}
        />
        <form method="dialog">
          <button>Close</button>
        </form>
      </dialog>
    </>
  );
}
