import { ChangeDetectionStrategy, Component, computed, inject, input, output, signal, viewChild } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { MatMenuModule, MatMenuTrigger } from '@angular/material/menu';
import { CalendarClock } from 'lucide';
import { Clock } from '../core/clock';
import { lasting, type TimeRange, USUAL_RANGES } from '../core/time-range';
import { localTime, utcTime } from '../core/times';
import { formatDuration } from '../core/units';
import { Icon } from './icon';

/** Chooses a time range: one of the usual ones, or from and to in local time. */
@Component({
  selector: 'ccv-time-range-picker',
  imports: [MatButtonModule, MatMenuModule, Icon],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<button matButton="outlined" type="button" [matMenuTriggerFor]="menu" [title]="hint()" aria-label="Time range: {{ label() }}">
      <ccv-icon [icon]="icon" /> {{ label() }}
    </button>
    <mat-menu #menu="matMenu" (opened)="prefill()">
      @for (usual of usuals; track usual.durationMs) {
        <button mat-menu-item type="button" (click)="choose(usual.durationMs)">Last {{ usual.label }}</button>
      }
      <form class="between" (submit)="apply($event)" (click)="$event.stopPropagation()" (keydown)="keyInForm($event)">
        <label>From <input type="datetime-local" step="1" [value]="from()" (input)="from.set($any($event.target).value)" /></label>
        <label>To <input type="datetime-local" step="1" [value]="to()" (input)="to.set($any($event.target).value)" /></label>
        @if (problem(); as text) {
          <p role="alert">{{ text }}</p>
        }
        <button matButton="filled" type="submit">Show</button>
      </form>
    </mat-menu>`,
  styles: `
    .between {
      display: grid;
      gap: 8px;
      padding: 8px 16px 12px;
      border-top: 1px solid var(--ccv-grid);
    }
    label {
      display: grid;
      gap: 2px;
      font: var(--mat-sys-label-medium);
    }
    p {
      margin: 0;
      color: var(--ccv-error);
    }
  `,
})
export class TimeRangePicker {
  private readonly clock = inject(Clock);
  private readonly trigger = viewChild.required(MatMenuTrigger);
  readonly range = input.required<TimeRange>();
  readonly rangeChange = output<TimeRange>();
  protected readonly icon = CalendarClock;
  protected readonly usuals = USUAL_RANGES;
  protected readonly from = signal('');
  protected readonly to = signal('');
  protected readonly problem = signal<string | null>(null);
  protected readonly label = computed(() => {
    const range = this.range();
    if (range.kind === 'between') return `${localTime(range.startMs)} – ${localTime(range.endMs)}`;
    const usual = USUAL_RANGES.find(({ durationMs }) => durationMs === range.durationMs);
    return `Last ${usual?.label ?? formatDuration(range.durationMs)}`;
  });
  protected readonly hint = computed(() => {
    const range = this.range();
    return range.kind === 'between' ? `${utcTime(range.startMs)} – ${utcTime(range.endMs)}` : '';
  });

  protected choose(durationMs: number): void {
    this.rangeChange.emit(lasting(durationMs));
  }

  protected prefill(): void {
    const range = this.range();
    const endMs = range.kind === 'between' ? range.endMs : this.clock.now();
    const startMs = range.kind === 'between' ? range.startMs : endMs - range.durationMs;
    this.problem.set(null);
    this.from.set(inputValue(startMs));
    this.to.set(inputValue(endMs));
  }

  /** The menu would take letters and arrows for its own. */
  protected keyInForm(event: KeyboardEvent): void {
    if (event.key !== 'Escape') event.stopPropagation();
  }

  protected apply(event: Event): void {
    event.preventDefault();
    const startMs = Date.parse(this.from());
    const endMs = Date.parse(this.to());
    if (!(startMs < endMs)) {
      this.problem.set('"From" must be before "to".');
      return;
    }
    this.rangeChange.emit({ kind: 'between', startMs, endMs });
    this.trigger().closeMenu();
  }
}

/** As the browser's own field for local times wants it. */
function inputValue(ms: number): string {
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
