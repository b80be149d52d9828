import { BreakpointObserver } from '@angular/cdk/layout';
import { ChangeDetectionStrategy, Component, computed, ElementRef, inject, signal, viewChild } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { MatButtonModule } from '@angular/material/button';
import { Title } from '@angular/platform-browser';
import { type IsActiveMatchOptions, NavigationEnd, Router, RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { Bell, ChartLine, Gauge, Info, type IconNode, LogOut, Menu, Monitor, Moon, Network, Server, Sun, Target, X } from 'lucide';
import { filter } from 'rxjs';
import { AgentStore } from '../core/agent-store';
import { AlertStore } from '../core/alert-store';
import { ApiKey } from '../core/api-key';
import { LiveChannel } from '../core/live-channel';
import { Theme } from '../core/theme';
import { Icon } from '../shared/icon';
import { Notice } from '../shared/notice';
import { Status } from '../shared/status';
import { PageFailure } from './page-failure';
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
  imports: [RouterOutlet, RouterLink, RouterLinkActive, MatButtonModule, Icon, Notice, Status, SignInPage],
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
  protected readonly failure = inject(PageFailure);
  private readonly store = inject(AgentStore);
  private readonly title = inject(Title);
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
  protected readonly leaveIcon = LogOut;
  protected readonly isMenuOpen = signal(false);
  private readonly narrow = toSignal(inject(BreakpointObserver).observe('(max-width: 800px)'));
  protected readonly isNarrow = computed(() => this.narrow()?.matches === true);
  protected readonly themeIcon = computed(() => ({ system: Monitor, light: Sun, dark: Moon })[this.theme.choice()]);
  protected readonly liveText = computed(() =>
    this.key.isNeeded() ? 'No key' : { live: 'Live', connecting: 'Connecting', offline: 'Offline' }[this.live.state()],
  );
  /** Said aloud: another page is shown. */
  protected readonly news = signal('');
  private path = '';

  constructor() {
    inject(Router)
      .events.pipe(filter((event) => event instanceof NavigationEnd))
      .subscribe(({ urlAfterRedirects }) => this.arrive(urlAfterRedirects.replace(/[?#].*$/, '')));
  }

  private arrive(path: string): void {
    this.isMenuOpen.set(false);
    this.failure.forget();
    if (path === this.path) return;
    const isFirst = this.path === '';
    this.path = path;
    // Browsers say and show a page's beginning when they load it; here that is left to us.
    if (isFirst) return;
    this.main().nativeElement.scrollTo(0, 0);
    // The router sets the title after it has said that it arrived.
    setTimeout(() => this.news.set(this.title.getTitle()));
  }

  /** What is read next is refused then, and the key is asked for; where none is needed, nothing changes. */
  protected forgetKey(): void {
    this.key.forget();
    void this.store.refresh();
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
