import { ChangeDetectionStrategy, Component } from '@angular/core';
import { agentCommand, agentCommandWithToken, agentUrl, BUILD_COMMAND, isLocalOnly, WITH_AGENT_COMMAND } from './connect-commands';
import { Copyable } from './copyable';

/** For those who are new: no agent has ever connected, and this is how the first one does. */
@Component({
  selector: 'ccv-first-agent',
  imports: [Copyable],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<h2>Connect your first agent</h2>
    <p>
      Agents run on the machines you want to watch and send what they measure to this server. None has connected yet. As soon as one
      does, this page shows it by itself.
    </p>
    <h3>The machine you want to watch</h3>
    <p>It needs Node.js 20.15 or newer and a checkout of this project. Once:</p>
    <ccv-copyable label="Build the agent" [text]="build" />
    <p>Then, in the checkout:</p>
    <ccv-copyable label="Start the agent" [text]="command" />
    @if (isLocal) {
      <p class="muted">
        <code>{{ host }}</code> means this server only on the machine it runs on. For other machines, open this page by the name or address
        they reach the server at.
      </p>
    }
    <details>
      <summary>The server wants a token from its agents</summary>
      <p>Put one of those in the server's <code>AGENT_TOKENS</code> in the place of <code>TOKEN</code>:</p>
      <ccv-copyable label="Start the agent with a token" [text]="withToken" />
    </details>
    <h3>Just this server's own machine</h3>
    <p>Stop the server and start it again, from its checkout, with an agent beside it:</p>
    <ccv-copyable label="Start the server with an agent" [text]="withAgent" />
    <p class="muted waiting" role="status"><span class="dot" aria-hidden="true"></span> Waiting for the first agent at <code>{{ url }}</code></p>`,
  styles: `
    :host {
      display: block;
      max-width: 860px;
    }
    h3 {
      margin: 20px 0 0;
      font: var(--mat-sys-title-small);
    }
    p {
      margin: 6px 0;
    }
    details {
      margin-top: 8px;
    }
    summary {
      cursor: pointer;
      padding: 4px 0;
    }
    .waiting {
      display: flex;
      gap: 8px;
      align-items: center;
      flex-wrap: wrap;
      margin-top: 20px;
    }
    .dot {
      width: 10px;
      height: 10px;
      border-radius: 50%;
      background: var(--mat-sys-primary);
      animation: breathe 2s ease-in-out infinite alternate;
    }
    @keyframes breathe {
      to {
        opacity: 0.25;
      }
    }
  `,
})
export class FirstAgent {
  protected readonly url = agentUrl(location);
  protected readonly host = location.hostname;
  protected readonly isLocal = isLocalOnly(location.hostname);
  protected readonly build = BUILD_COMMAND;
  protected readonly command = agentCommand(this.url);
  protected readonly withToken = agentCommandWithToken(this.url);
  protected readonly withAgent = WITH_AGENT_COMMAND;
}
