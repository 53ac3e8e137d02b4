import { computed, effect, signal } from '@preact/signals';

/** `auto`: as the system has it. */
export const themes = ['auto', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];

/** Where it is remembered; `ui/app/public/theme.js` reads it, too. */
const key = 'nas-theme';

const themeOf = (text: string | null): Theme => themes.find((theme) => theme === text) ?? 'auto';

const chosen = signal<Theme>(themeOf(localStorage.getItem(key)));
const system = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(system.matches);
system.addEventListener('change', ({ matches }) => (systemIsDark.value = matches));
addEventListener('storage', (event) => {
  if (event.key === key) chosen.value = themeOf(event.newValue);
});

const dark = computed(() => chosen.value === 'dark' || (chosen.value === 'auto' && systemIsDark.value));

/** Whether pages are dark now; charts read it and draw again when it changes. */
export const isDark = (): boolean => dark.value;

effect(() => {
  localStorage.setItem(key, chosen.value);
  const { dataset } = document.documentElement;
  if (chosen.value === 'auto') delete dataset['theme'];
  else dataset['theme'] = chosen.value;
});

/** The next one of the three. */
export const nextTheme = (): void => {
  chosen.value = themes[(themes.indexOf(chosen.value) + 1) % themes.length];
};

/** The one that is chosen; who reads it is drawn again when it changes. */
export const theme = (): Theme => chosen.value;

/** Chooses the one that is called so; `auto` where there is none. */
export const setTheme = (name: string): void => {
  chosen.value = themeOf(name);
};
