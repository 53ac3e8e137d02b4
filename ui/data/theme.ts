import { computed, effect, signal } from '@preact/signals';

/** `auto` follows the system. */
export const themes = ['auto', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];

/** Its key in the local storage; `ui/app/public/theme.js` reads it, too. */
const key = 'nas-theme';

const themeOf = (text: string | null): Theme => themes.find((each) => each === text) ?? 'auto';

export const theme = signal<Theme>(themeOf(localStorage.getItem(key)));

const system = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(system.matches);
system.addEventListener('change', ({ matches }) => (systemIsDark.value = matches));
addEventListener('storage', (event) => {
  if (event.key === key) theme.value = themeOf(event.newValue);
});

export const dark = computed(() => theme.value === 'dark' || (theme.value === 'auto' && systemIsDark.value));

effect(() => {
  localStorage.setItem(key, theme.value);
  const { dataset } = document.documentElement;
  if (theme.value === 'auto') delete dataset['theme'];
  else dataset['theme'] = theme.value;
});

/** Chooses a theme by its name; an unknown name means `auto`. */
export const setTheme = (name: string): void => {
  theme.value = themeOf(name);
};
