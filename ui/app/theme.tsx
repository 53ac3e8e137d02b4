import { effect, signal } from '@preact/signals';

/** `auto`: as the system has it. */
const themes = ['auto', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];

const stored = (): Theme => themes.find((theme) => theme === localStorage.getItem('nas-theme')) ?? 'auto';

const chosen = signal<Theme>(stored());
const system = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(system.matches);
system.addEventListener('change', ({ matches }) => (systemIsDark.value = matches));

/** Whether pages are dark now; charts read it and draw again when it changes. */
export const isDark = (): boolean => chosen.value === 'dark' || (chosen.value === 'auto' && systemIsDark.value);

effect(() => {
  localStorage.setItem('nas-theme', chosen.value);
  document.documentElement.dataset['theme'] = isDark() ? 'dark' : 'light';
});

export function ThemeSwitch() {
  return (
    <label class="theme">
      <span class="quiet">Theme</span>
      <select
        value={chosen.value}
        onChange={({ currentTarget: { value } }) => (chosen.value = themes.find((theme) => theme === value) ?? 'auto')}
      >
        {themes.map((theme) => (
          <option key={theme}>{theme}</option>
        ))}
      </select>
    </label>
  );
}
