import { ChangeDetectionStrategy, Component } from '@angular/core';

@Component({
  selector: 'ccv-overview-page',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<h1>Overview</h1>`,
})
export class OverviewPage {}
