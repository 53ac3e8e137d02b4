import { Component, type ComponentChildren, type ComponentType } from 'preact';
import { useLocation, useRoute } from 'preact-iso';
import { useEffect } from 'preact/hooks';

/** What a window is called that shows a page; `parameters` are those of its address. */
export type PageTitle = (parameters: Readonly<Record<string, string>>) => string;

/** The page that was opened last; the first one is read from its beginning. */
let opened: string | null = null;

function focusHeading(): void {
  const heading = document.querySelector<HTMLElement>('main h2') ?? document.querySelector<HTMLElement>('main h1');
  const target = heading ?? document.getElementById('content');
  if (target === null) return;
  target.tabIndex = -1;
  target.focus({ preventScroll: true });
}

/** Tells who does not see it that there is another page: its name, and the focus on its heading. */
function Opened({ title }: { readonly title: PageTitle }) {
  const { path } = useLocation();
  const { params } = useRoute();
  const name = [title(params), ...('run' in params ? [params['run']] : []), 'nas'].join(' · ');
  useEffect(() => {
    document.title = name;
    const isFirst = opened === null;
    if (opened === path) return;
    opened = path;
    if (isFirst) return;
    focusHeading();
    // The router makes a page that was loaded just now once more, which takes the focus from it, and ends this effect.
    setTimeout(() => {
      if (opened === path && document.activeElement === document.body) focusHeading();
    }, 150);
  }, [path, name]);
  return null;
}

interface Failed {
  readonly problem: string | null;
}

/** Shows what went wrong on a page in its place, until another one is opened. */
class Fallible extends Component<{ readonly path: string; readonly children: ComponentChildren }, Failed> {
  override state: Failed = { problem: null };

  static override getDerivedStateFromError(error: unknown): Failed {
    return { problem: error instanceof Error ? error.message : 'It is not known why.' };
  }

  override componentDidUpdate({ path }: { readonly path: string }): void {
    if (path !== this.props.path && this.state.problem !== null) this.setState({ problem: null });
  }

  override render() {
    const { problem } = this.state;
    if (problem === null) return this.props.children;
    return (
      <section role="alert">
        <h2>This page cannot be shown</h2>
        <p>{problem}</p>
        <button type="button" onClick={() => this.setState({ problem: null })}>
          Try again
        </button>
      </section>
    );
  }
}

/** A page as the router shows it. What is loaded later becomes one when it is there: not before has it a heading. */
export function pageView(title: PageTitle, Content: ComponentType): ComponentType {
  return function PageView() {
    const { path } = useLocation();
    return (
      <Fallible path={path}>
        <Content />
        <Opened title={title} />
      </Fallible>
    );
  };
}
