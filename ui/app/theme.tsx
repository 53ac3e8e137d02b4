import { setTheme, theme, themes } from '../data/theme.js';

export function ThemeSwitch() {
  return (
    <label class="theme">
      <span class="quiet">Theme</span>
      <select value={theme()} onChange={({ currentTarget: { value } }) => setTheme(value)}>
        {themes.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}
