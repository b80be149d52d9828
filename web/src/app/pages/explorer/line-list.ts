import { ScrollingModule } from '@angular/cdk/scrolling';
import { ChangeDetectionStrategy, Component, computed, input, output } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { localTime } from '../../core/times';
import { formatValue } from '../../core/units';
import { lineColor, lineDash } from '../../shared/chart-style';
import type { ExplorerState } from './explorer-state';
import { isShown, type Line, summaryOf } from './lines';

const ROW_PX = 34;
const MAX_ROWS = 12;

/** The legend: each line with what there is to say of its values. Its box hides it, "Only" hides the others. */
@Component({
  selector: 'ccv-line-list',
  imports: [MatButtonModule, ScrollingModule],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<section class="card" aria-label="Lines">
    <div class="head">
      <h2>Lines</h2>
      <span class="muted at">{{ when() }}</span>
      <button matButton type="button" [disabled]="isAllShown()" (click)="all.emit()">Show all</button>
    </div>
    <div class="scroll" tabindex="0" role="region" aria-label="Lines and their values">
      <div role="table" aria-label="Lines" [attr.aria-rowcount]="lines().length + 1">
        <div class="row header" role="row" aria-rowindex="1">
          <span role="columnheader">Line</span>
          <span role="columnheader">{{ at() === null ? 'Last' : 'Here' }}</span>
          <span role="columnheader">Min</span>
          <span role="columnheader">Max</span>
          <span role="columnheader">Avg</span>
          <span role="columnheader"><span class="visually-hidden">Only this line</span></span>
        </div>
        <cdk-virtual-scroll-viewport [itemSize]="rowPx" [style.height.px]="heightPx()" role="rowgroup">
          <div
            *cdkVirtualFor="let line of lines(); let i = index; trackBy: byKey; templateCacheSize: 0"
            class="row"
            role="row"
            [attr.aria-rowindex]="i + 2"
            [class.is-hidden]="!shown(line)"
          >
            <span role="rowheader">
              <label [title]="line.label">
                <input type="checkbox" [checked]="shown(line)" (change)="toggled.emit(line.key)" />
                <svg width="24" height="8" aria-hidden="true">
                  <line x1="0" x2="24" y1="4" y2="4" stroke-width="2.5" [style.stroke]="'var(' + color(line) + ')'" [attr.stroke-dasharray]="dash(line)" />
                </svg>
                <span class="name">{{ line.label }}</span>
              </label>
            </span>
            <span role="cell">{{ now(line) }}</span>
            <span role="cell">{{ text(summary(line).min, line) }}</span>
            <span role="cell">{{ text(summary(line).max, line) }}</span>
            <span role="cell">{{ text(summary(line).avg, line) }}</span>
            <span role="cell"><button matButton type="button" [attr.aria-label]="'Only ' + line.label" (click)="isolated.emit(line.key)">Only</button></span>
          </div>
        </cdk-virtual-scroll-viewport>
      </div>
    </div>
  </section>`,
  styleUrl: './line-list.scss',
})
export class LineList {
  readonly lines = input.required<readonly Line[]>();
  readonly state = input.required<Pick<ExplorerState, 'hide' | 'only'>>();
  readonly timesMs = input.required<readonly number[]>();
  /** The number of the moment the cursor is at. */
  readonly at = input<number | null>(null);
  readonly toggled = output<string>();
  readonly isolated = output<string>();
  readonly all = output();
  protected readonly rowPx = ROW_PX;
  protected readonly heightPx = computed(() => Math.min(MAX_ROWS, this.lines().length) * ROW_PX);
  protected readonly isAllShown = computed(() => this.state().hide.length === 0 && this.state().only.length === 0);
  protected readonly when = computed(() => {
    const at = this.at();
    const ms = at === null ? undefined : this.timesMs()[at];
    return ms === undefined ? '' : localTime(ms);
  });
  /** Only of lines that come into sight. */
  private readonly summaries = new WeakMap<readonly (number | null)[], ReturnType<typeof summaryOf>>();

  protected readonly byKey = (_: number, { key }: Line): string => key;

  protected shown(line: Line): boolean {
    return isShown(line, this.state());
  }

  protected color({ place }: Line): string {
    return lineColor(place);
  }

  protected dash({ place }: Line): string | null {
    return lineDash(place).join(' ') || null;
  }

  protected summary({ values }: Line): ReturnType<typeof summaryOf> {
    const summary = this.summaries.get(values) ?? summaryOf(values);
    this.summaries.set(values, summary);
    return summary;
  }

  protected now(line: Line): string {
    const at = this.at();
    return this.text(at === null ? this.summary(line).last : (line.values[at] ?? null), line);
  }

  protected text(value: number | null, { unit }: Line): string {
    return formatValue(value, unit);
  }
}
