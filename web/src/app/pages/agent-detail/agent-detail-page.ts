import { ChangeDetectionStrategy, Component } from '@angular/core';

@Component({
  selector: 'ccv-agent-detail-page',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<h1>AgentDetail</h1>`,
})
export class AgentDetailPage {}
