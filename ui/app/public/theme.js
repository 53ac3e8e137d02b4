// Runs before anything is drawn, so that pages do not flash in the other theme; the rest is in ui/data/theme.ts.
const theme = localStorage.getItem('nas-theme');
if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
