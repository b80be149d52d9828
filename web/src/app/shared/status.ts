import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import { toneOf } from './tone';

/** A state in a word, with a mark whose shape says the same as its colour. */
@Component({
  selector: 'ccv-status',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<span class="mark" [class]="tone()" aria-hidden="true"></span>{{ label() }}`,
  styles: `
    :host {
      display: inline-flex;
      align-items: center;
      gap: 6px;
      white-space: nowrap;
    }
    .mark {
      width: 10px;
      height: 10px;
      flex: none;
      box-sizing: border-box;
    }
    .ok {
      background: var(--ccv-ok);
      border-radius: 50%;
    }
    .warn {
      background: var(--ccv-warn);
      clip-path: polygon(50% 0, 100% 100%, 0 100%);
    }
    .error {
      background: var(--ccv-error);
      transform: rotate(45deg) scale(0.85);
    }
    .off {
      border: 2px solid var(--ccv-muted);
      border-radius: 50%;
    }
  `,
})
export class Status {
  readonly status = input.required<string>();
  readonly text = input<string>();
  protected readonly label = computed(() => this.text() ?? this.status());
  protected readonly tone = computed(() => toneOf(this.status()));
}
