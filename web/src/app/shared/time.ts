import { ChangeDetectionStrategy, Component, computed, inject, input } from '@angular/core';
import { Clock } from '../core/clock';
import { localTime, relativeTime, utcTime } from '../core/times';

/** A moment: local time, or how long ago it was; the other one and UTC on hover. Nothing known: a dash. */
@Component({
  selector: 'ccv-time',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `@if (ms(); as at) {
      <time [attr.datetime]="iso()" [title]="hint()">{{ text() }}</time>
    } @else {
      <span class="muted">–</span>
    }`,
  styles: `
    time {
      white-space: nowrap;
    }
  `,
})
export class Time {
  private readonly clock = inject(Clock);
  /** ISO 8601, milliseconds since 1970, or null. */
  readonly at = input.required<string | number | null | undefined>();
  readonly relative = input(false);
  protected readonly ms = computed(() => {
    const at = this.at();
    return typeof at === 'number' ? at : Date.parse(at ?? '') || null;
  });
  protected readonly iso = computed(() => new Date(this.ms() ?? 0).toISOString());
  protected readonly text = computed(() => {
    const ms = this.ms() ?? 0;
    return this.relative() ? relativeTime(ms, this.clock.nowMs()) : localTime(ms);
  });
  protected readonly hint = computed(() => {
    const ms = this.ms() ?? 0;
    return this.relative() ? `${localTime(ms)} · ${utcTime(ms)}` : utcTime(ms);
  });
}
