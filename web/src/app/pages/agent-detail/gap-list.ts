import { ChangeDetectionStrategy, Component, computed, input, output, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import type { ApiError } from '../../core/api';
import type { Gap } from '../../core/api-types';
import type { Span } from '../../core/time-range';
import { formatDuration } from '../../core/units';
import { Notice } from '../../shared/notice';
import { Time } from '../../shared/time';
import { gapText } from './facts';

const FIRST = 20;

/** What is known to be missing of an agent's data in the range that is shown. */
@Component({
  selector: 'ccv-gap-list',
  imports: [MatButtonModule, Notice, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<section class="card" aria-labelledby="gaps-heading">
    <h2 id="gaps-heading">Gaps</h2>
    @if (error(); as failure) {
      <ccv-notice [error]="failure" (retry)="retry.emit()" />
    }
    @if (newest().length > 0) {
      <div class="scroll">
        <table class="plain">
          <caption class="visually-hidden">
            Stretches of time of which data is missing, newest first
          </caption>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col" class="number">Length</th>
              <th scope="col">What is missing</th>
              <th scope="col"><span class="visually-hidden">Show</span></th>
            </tr>
          </thead>
          <tbody>
            @for (gap of newest(); track gap.from + gap.to) {
              <tr>
                <td><ccv-time [at]="gap.from" /></td>
                <td><ccv-time [at]="gap.to" /></td>
                <td class="number">{{ length(gap) }}</td>
                <td>{{ text(gap) }}</td>
                <td><button matButton type="button" (click)="shown.emit(around(gap))">Look closer</button></td>
              </tr>
            }
          </tbody>
        </table>
      </div>
      @if (!isAll() && (gaps()?.length ?? 0) > newest().length) {
        <button matButton type="button" (click)="isAll.set(true)">Show all {{ gaps()?.length }}</button>
      }
    } @else if (gaps()) {
      <p class="muted">None is known of in this time.</p>
    } @else if (!error()) {
      <p class="muted">Loading …</p>
    }
  </section>`,
  styles: `
    .scroll {
      overflow-x: auto;
    }
    p {
      margin: 8px 0 0;
    }
    td {
      white-space: nowrap;
      vertical-align: middle;
    }
  `,
})
export class GapList {
  readonly gaps = input<readonly Gap[] | undefined>();
  readonly error = input<ApiError | null>(null);
  readonly retry = output();
  /** Somebody wants to see this stretch. */
  readonly shown = output<Span>();
  protected readonly isAll = signal(false);
  protected readonly text = gapText;
  protected readonly newest = computed(() => [...(this.gaps() ?? [])].reverse().slice(0, this.isAll() ? undefined : FIRST));

  protected length({ from, to }: Gap): string {
    return formatDuration(Date.parse(to) - Date.parse(from));
  }

  /** With as much again before and behind it. */
  protected around({ from, to }: Gap): Span {
    const [startMs, endMs] = [Date.parse(from), Date.parse(to)];
    const roomMs = Math.max(endMs - startMs, 60_000);
    return { startMs: startMs - roomMs, endMs: endMs + roomMs };
  }
}
