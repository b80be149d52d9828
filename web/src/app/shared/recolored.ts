import { DestroyRef, inject } from '@angular/core';

/** Calls back when the console turns dark or light: canvases do not follow by themselves. To be called where inject() may be. */
export function whenRecolored(recolor: () => void): void {
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const themes = new MutationObserver(recolor);
  scheme.addEventListener('change', recolor);
  themes.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  inject(DestroyRef).onDestroy(() => {
    scheme.removeEventListener('change', recolor);
    themes.disconnect();
  });
}
