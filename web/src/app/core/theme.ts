import { effect, Injectable, signal } from '@angular/core';

export type ThemeChoice = 'system' | 'light' | 'dark';

const NAME = 'ccv.theme';
const CHOICES: readonly ThemeChoice[] = ['system', 'light', 'dark'];

/** Light, dark, or as the system has it; remembered on this device. `theme.js` applies it before the first paint. */
@Injectable({ providedIn: 'root' })
export class Theme {
  readonly choice = signal<ThemeChoice>(remembered());

  constructor() {
    effect(() => {
      const choice = this.choice();
      if (choice === 'system') delete document.documentElement.dataset['theme'];
      else document.documentElement.dataset['theme'] = choice;
      try {
        if (choice === 'system') localStorage.removeItem(NAME);
        else localStorage.setItem(NAME, choice);
      } catch {
        // Storage may be forbidden: the choice then lives as long as the page.
      }
    });
  }

  /** System, light, dark, and around again. */
  next(): void {
    this.choice.update((choice) => CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length] ?? 'system');
  }
}

function remembered(): ThemeChoice {
  try {
    const choice = localStorage.getItem(NAME);
    return choice === 'light' || choice === 'dark' ? choice : 'system';
  } catch {
    return 'system';
  }
}
