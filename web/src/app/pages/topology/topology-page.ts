import { ChangeDetectionStrategy, Component } from '@angular/core';

@Component({
  selector: 'ccv-topology-page',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<h1>Topology</h1>`,
})
export class TopologyPage {}
