import { ChangeDetectionStrategy, Component } from '@angular/core';

@Component({
  selector: 'ccv-agents-page',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<h1>Agents</h1>`,
})
export class AgentsPage {}
