import { Clipboard } from '@angular/cdk/clipboard';
import { ChangeDetectionStrategy, Component, computed, DestroyRef, inject, input, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Check, Copy, X } from 'lucide';
import { Icon } from '../../shared/icon';

const SAID_MS = 2_500;

/** A command to be pasted elsewhere, with a button that copies it and says so. */
@Component({
  selector: 'ccv-copyable',
  imports: [MatButtonModule, Icon],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<pre tabindex="0" role="region" [attr.aria-label]="label()"><code>{{ text() }}</code></pre>
    <button matButton="outlined" type="button" [attr.aria-label]="words() + ': ' + label()" (click)="copy()">
      <ccv-icon [icon]="icon()" /> {{ words() }}
    </button>
    <span class="visually-hidden" role="status">{{ said() === null ? '' : words() }}</span>`,
  styles: `
    :host {
      display: flex;
      gap: 8px;
      align-items: center;
    }
    pre {
      flex: 1;
      min-width: 0;
      margin: 0;
      padding: 10px 12px;
      overflow-x: auto;
      border: 1px solid var(--ccv-grid);
      border-radius: 8px;
      background: var(--mat-sys-surface);
    }
    button {
      flex: none;
      width: 132px;
    }
    @media (max-width: 600px) {
      :host {
        flex-direction: column;
        align-items: stretch;
      }
      button {
        align-self: flex-end;
      }
    }
  `,
})
export class Copyable {
  private readonly clipboard = inject(Clipboard);
  readonly text = input.required<string>();
  /** What the command is for. */
  readonly label = input.required<string>();
  protected readonly said = signal<'copied' | 'failed' | null>(null);
  protected readonly icon = computed(() => ({ copied: Check, failed: X, none: Copy })[this.said() ?? 'none']);
  protected readonly words = computed(() => ({ copied: 'Copied', failed: 'Not copied', none: 'Copy' })[this.said() ?? 'none']);
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor() {
    inject(DestroyRef).onDestroy(() => this.forget());
  }

  protected copy(): void {
    this.forget();
    this.said.set(this.clipboard.copy(this.text()) ? 'copied' : 'failed');
    this.timer = setTimeout(() => this.said.set(null), SAID_MS);
  }

  private forget(): void {
    if (this.timer !== null) clearTimeout(this.timer);
  }
}
