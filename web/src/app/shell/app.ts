import { BreakpointObserver } from '@angular/cdk/layout';
import { ChangeDetectionStrategy, Component, computed, ElementRef, inject, signal, viewChild } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { MatButtonModule } from '@angular/material/button';
import { type IsActiveMatchOptions, NavigationEnd, Router, RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { Bell, ChartLine, Gauge, Info, type IconNode, Menu, Monitor, Moon, Network, Server, Sun, Target, X } from 'lucide';
import { filter } from 'rxjs';
import { AlertStore } from '../core/alert-store';
import { ApiKey } from '../core/api-key';
import { LiveChannel } from '../core/live-channel';
import { Theme } from '../core/theme';
import { Icon } from '../shared/icon';
import { Status } from '../shared/status';
import { SignInPage } from './sign-in-page';

interface NavigationItem {
  readonly path: string;
  readonly label: string;
  readonly icon: IconNode;
}

const NAVIGATION: readonly NavigationItem[] = [
  { path: '/', label: 'Overview', icon: Gauge },
  { path: '/agents', label: 'Agents', icon: Server },
  { path: '/alerts', label: 'Alerts', icon: Bell },
  { path: '/explore', label: 'Explore', icon: ChartLine },
  { path: '/topology', label: 'Topology', icon: Network },
  { path: '/targets', label: 'Targets', icon: Target },
  { path: '/about', label: 'About', icon: Info },
];

/** The frame around all pages: where one is, where one can go, whether what is shown is live. */
@Component({
  selector: 'ccv-root',
  imports: [RouterOutlet, RouterLink, RouterLinkActive, MatButtonModule, Icon, Status, SignInPage],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './app.html',
  styleUrl: './app.scss',
  host: { '(keydown.escape)': 'leaveMenu()' },
})
export class App {
  protected readonly live = inject(LiveChannel);
  protected readonly theme = inject(Theme);
  protected readonly key = inject(ApiKey);
  private readonly alerts = inject(AlertStore);
  private readonly main = viewChild.required<ElementRef<HTMLElement>>('main');
  private readonly menuButton = viewChild<unknown, ElementRef<HTMLElement>>('menuButton', { read: ElementRef });
  protected readonly navigation = NAVIGATION;
  /** The first page's address is the beginning of all others; what it shows may be in its query. */
  protected readonly exactly: IsActiveMatchOptions = {
    paths: 'exact',
    queryParams: 'ignored',
    matrixParams: 'ignored',
    fragment: 'ignored',
  };
  protected readonly menuIcon = Menu;
  protected readonly closeIcon = X;
  protected readonly firing = computed(() => this.alerts.counts()?.firing ?? 0);
  protected readonly isMenuOpen = signal(false);
  private readonly narrow = toSignal(inject(BreakpointObserver).observe('(max-width: 800px)'));
  protected readonly isNarrow = computed(() => this.narrow()?.matches === true);
  protected readonly themeIcon = computed(() => ({ system: Monitor, light: Sun, dark: Moon })[this.theme.choice()]);
  protected readonly liveText = computed(() => ({ live: 'Live', connecting: 'Connecting', offline: 'Offline' })[this.live.state()]);

  constructor() {
    inject(Router)
      .events.pipe(filter((event) => event instanceof NavigationEnd))
      .subscribe(() => this.isMenuOpen.set(false));
  }

  /** The focus goes back to where the menu was opened. */
  protected leaveMenu(): void {
    if (!this.isMenuOpen()) return;
    this.isMenuOpen.set(false);
    this.menuButton()?.nativeElement.focus();
  }

  /** An anchor would leave the page: the base of all addresses is `/`. */
  protected skipToContent(event: Event): void {
    event.preventDefault();
    const main: HTMLElement = this.main().nativeElement;
    main.focus();
  }
}
