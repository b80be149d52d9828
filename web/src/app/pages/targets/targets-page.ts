import { ChangeDetectionStrategy, Component } from '@angular/core';

@Component({
  selector: 'ccv-targets-page',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<h1>Targets</h1>`,
})
export class TargetsPage {}
