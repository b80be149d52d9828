import { ChangeDetectionStrategy, Component, computed, input, signal } from '@angular/core';
import { localTime, utcTime } from '../../core/times';
import { formatValue } from '../../core/units';
import { rowsOf } from './csv';
import type { Line } from './lines';

const ROW_PX = 30;
const COLUMN_PX = 150;
const TIME_PX = 210;
const HEIGHT_PX = 560;
/** Beyond what is in sight, on each side: a quick scroll does not show white. */
const SPARE = 4;

/** The values as a table, newest first: a row for each moment, a column for each line. Only the cells in sight are there, in both directions. */
@Component({
  selector: 'ccv-value-table',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<div
    #scroll
    class="card"
    tabindex="0"
    role="region"
    aria-label="Values"
    [style.height.px]="heightPx"
    (scroll)="follow(scroll.scrollTop, scroll.scrollLeft, scroll.clientWidth)"
  >
    <div
      role="table"
      aria-label="Values by time"
      [attr.aria-rowcount]="rows().length + 1"
      [attr.aria-colcount]="lines().length + 1"
      [style.width.px]="timePx + lines().length * columnPx"
      [style.height.px]="(rows().length + 1) * rowPx"
    >
      <div role="row" class="header" aria-rowindex="1">
        <span role="columnheader" class="time" aria-colindex="1">Time</span>
        @for (column of columns(); track column.line.key) {
          <span role="columnheader" [attr.aria-colindex]="column.i + 2" [title]="column.line.label" [style.left.px]="timePx + column.i * columnPx">{{ column.line.label }}</span>
        }
      </div>
      @for (row of inSight(); track row.ms) {
        <div role="row" [attr.aria-rowindex]="row.i + 2" [style.top.px]="(row.i + 1) * rowPx">
          <span role="rowheader" class="time" aria-colindex="1" [title]="utc(row.ms)">{{ local(row.ms) }}</span>
          @for (column of columns(); track column.line.key) {
            <span role="cell" [attr.aria-colindex]="column.i + 2" [style.left.px]="timePx + column.i * columnPx">{{ text(column.line, row.at) }}</span>
          }
        </div>
      }
    </div>
  </div>`,
  styles: `
    .card {
      overflow: auto;
      padding: 0;
      max-height: 70vh;
    }
    [role='table'] {
      position: relative;
      min-width: 100%;
    }
    [role='row'] {
      position: absolute;
      left: 0;
      width: 100%;
      height: 30px;
      border-bottom: 1px solid var(--ccv-grid);
      box-sizing: border-box;
    }
    .header {
      position: sticky !important;
      top: 0;
      z-index: 2;
      background: var(--ccv-card);
      font: var(--mat-sys-label-medium);
    }
    [role='row'] > span {
      position: absolute;
      top: 0;
      width: 150px;
      line-height: 29px;
      padding: 0 10px;
      box-sizing: border-box;
      text-align: right;
      white-space: nowrap;
      overflow: hidden;
      text-overflow: ellipsis;
    }
    [role='row'] > .time {
      position: sticky;
      display: block;
      left: 0;
      width: 210px;
      text-align: left;
      background: var(--ccv-card);
      z-index: 1;
    }
  `,
})
export class ValueTable {
  readonly lines = input.required<readonly Line[]>();
  readonly timesMs = input.required<readonly number[]>();
  protected readonly rowPx = ROW_PX;
  protected readonly columnPx = COLUMN_PX;
  protected readonly timePx = TIME_PX;
  protected readonly heightPx = HEIGHT_PX;
  private readonly firstRow = signal(0);
  private readonly firstColumn = signal(0);
  private readonly columnCount = signal(Math.ceil(innerWidth / COLUMN_PX) + SPARE);
  /** Numbers of the moments, newest first. */
  protected readonly rows = computed(() => rowsOf(this.lines(), this.timesMs().length).reverse());
  protected readonly columns = computed(() => {
    const from = this.firstColumn();
    return this.lines()
      .slice(from, from + this.columnCount())
      .map((line, i) => ({ line, i: from + i }));
  });
  protected readonly inSight = computed(() => {
    const from = Math.min(this.firstRow(), Math.max(0, this.rows().length - 1));
    const count = Math.ceil(HEIGHT_PX / ROW_PX) + 2 * SPARE;
    return this.rows()
      .slice(from, from + count)
      .map((at, i) => ({ at, i: from + i, ms: this.timesMs()[at] ?? 0 }));
  });
  protected readonly local = localTime;
  protected readonly utc = utcTime;

  protected follow(top: number, left: number, width: number): void {
    this.firstRow.set(Math.max(0, Math.floor(top / ROW_PX) - SPARE));
    this.firstColumn.set(Math.max(0, Math.floor(left / COLUMN_PX) - 2));
    this.columnCount.set(Math.ceil(width / COLUMN_PX) + SPARE);
  }

  protected text({ values, unit }: Line, at: number): string {
    return formatValue(values[at], unit);
  }
}
