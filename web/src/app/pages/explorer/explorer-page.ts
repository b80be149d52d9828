import { ChangeDetectionStrategy, Component } from '@angular/core';

@Component({
  selector: 'ccv-explorer-page',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<h1>Explorer</h1>`,
})
export class ExplorerPage {}
