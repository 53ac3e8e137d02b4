import { LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { pages } from './pages.js';
import { RunFrame } from './run-frame.js';
import { setTheme, theme, themes } from '../data/theme.js';

/** The run of an address; null without one, or when it cannot be decoded. */
function runIn(path: string): string | null {
  const found = /^\/runs\/([^/]+)/.exec(path)?.[1];
  if (found === undefined) return null;
  try {
    return decodeURIComponent(found);
  } catch {
    return null;
  }
}

function Content() {
  const { path } = useLocation();
  const run = runIn(path);
  const routes = (
    <Router>
      {pages.map(({ path: at, component }) => (
        <Route key={at} path={at} component={component} />
      ))}
      <Route default component={NotFound} />
    </Router>
  );
  return run === null ? (
    routes
  ) : (
    <RunFrame key={run} id={run}>
      {routes}
    </RunFrame>
  );
}

const mainPages = [
  { path: '/', title: 'Runs' },
  { path: '/compare', title: 'Compare runs' },
] as const;

function Header() {
  const { path } = useLocation();
  return (
    <header class="top">
      <a class="brand" href="/">
        nas
      </a>
      <nav aria-label="Main">
        {mainPages.map(({ path: at, title }) => (
          <a key={at} href={at} aria-current={path === at ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <ThemeSwitch />
    </header>
  );
}

export function Shell() {
  return (
    <LocationProvider>
      <a class="skip" href="#content">
        To the content
      </a>
      <Header />
      <main id="content" tabIndex={-1}>
        <Content />
      </main>
    </LocationProvider>
  );
}

function ThemeSwitch() {
  return (
    <label>
      <span class="quiet">Theme</span>
      <select aria-label="Theme" value={theme.value} onChange={({ currentTarget: { value } }) => setTheme(value)}>
        {themes.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

function NotFound() {
  return (
    <section>
      <h1>There is no such page</h1>
      <p>
        <a href="/">All runs</a>
      </p>
    </section>
  );
}
