// Before the first paint: the colours chosen the last time. A script of its own, because inline scripts are not allowed.
try {
  const theme = localStorage.getItem('ccv.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden: the system's colours do.
}
