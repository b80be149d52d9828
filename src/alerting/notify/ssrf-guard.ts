import { type LookupAddress, lookup as dnsLookup, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * Keeps notifications away from the server's own network: whoever may set up a channel must not reach, through the
 * server, what only the server can reach (itself, its neighbours, the cloud's metadata service). Addresses are judged
 * when a connection is made, after the name was resolved, and it is the judged address that is connected to: a name that
 * resolves differently the next time gains nothing. Refused is what is not an address of the public internet, in IPv6 also
 * what stands for such an IPv4 address, and the networks the server's own interfaces are in.
 */

/** Host is in the server's own network. */
export class ForbiddenHostError extends Error {
  override readonly name = 'ForbiddenHostError';
  readonly code = 'FORBIDDEN_HOST';

  constructor(host: string) {
    super(
      `"${host.slice(0, 255)}" is in the server's own network, where notifications may not be sent unless ALERT_WEBHOOK_ALLOW_PRIVATE=true`,
    );
  }
}

const FORBIDDEN_V4: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // Azure's platform service has a public address.
  ['168.63.129.16', 32],
];
/** Of 2000::/3, which is all there is of public IPv6: protocol assignments with Teredo, documentation, 6to4. */
const FORBIDDEN_V6: readonly [string, number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];
/** Prefixes whose last 32 bits are an IPv4 address: mapped, and NAT64. */
const EMBEDDING_V6: readonly [string, number][] = [
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
];
/** Interfaces' networks wider than this say nothing about neighbours (tunnels that take all traffic). */
const WIDEST_OWN_V4 = 8;
const WIDEST_OWN_V6 = 32;

export interface OwnNetwork {
  readonly family: 'IPv4' | 'IPv6';
  readonly address: string;
  readonly prefix: number;
}

export class SsrfGuard {
  private readonly forbidden = listOf(FORBIDDEN_V4, 'ipv4');
  private readonly forbiddenV6 = listOf(FORBIDDEN_V6, 'ipv6');
  private readonly embedding = listOf(EMBEDDING_V6, 'ipv6');
  private readonly publicV6 = listOf([['2000::', 3]], 'ipv6');

  constructor(
    private readonly allowPrivate: boolean,
    private readonly ownNetworks: () => readonly OwnNetwork[] = interfacesNetworks,
    private readonly resolve: (host: string, options: LookupOptions, callback: ResolveCallback) => void = resolveAll,
  ) {}

  /** For `connect`'s and `request`'s `lookup`: resolves, and fails with a ForbiddenHostError when any of the addresses is not allowed. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      const [first] = addresses;
      if (first === undefined) return callback(Object.assign(new Error(`"${hostname}" has no address`), { code: 'ENOTFOUND' }), '', 0);
      if (!addresses.every(({ address }) => this.isAllowed(address))) return callback(new ForbiddenHostError(hostname), '', 0);
      if (options.all === true) return callback(null, addresses);
      return callback(null, first.address, first.family);
    });
  };

  /** Addresses are not looked up, so that they must be judged before a connection. @throws ForbiddenHostError */
  checkHost(host: string): void {
    const bare = host.replace(/^\[|\]$/g, '');
    if (isIP(bare) !== 0 && !this.isAllowed(bare)) throw new ForbiddenHostError(host);
  }

  isAllowed(address: string): boolean {
    if (this.allowPrivate) return true;
    const [bare = ''] = address.split('%');
    const family = isIP(bare);
    if (family === 4) return !this.forbidden.check(bare, 'ipv4') && !this.isOwn(bare, 'ipv4');
    if (family !== 6) return false;
    if (this.embedding.check(bare, 'ipv6')) return this.isAllowed(embeddedV4(bare));
    return this.publicV6.check(bare, 'ipv6') && !this.forbiddenV6.check(bare, 'ipv6') && !this.isOwn(bare, 'ipv6');
  }

  private isOwn(address: string, family: 'ipv4' | 'ipv6'): boolean {
    const list = new BlockList();
    for (const own of this.ownNetworks()) {
      const ownFamily = own.family === 'IPv4' ? 'ipv4' : 'ipv6';
      if (own.prefix >= (ownFamily === 'ipv4' ? WIDEST_OWN_V4 : WIDEST_OWN_V6)) list.addSubnet(own.address, own.prefix, ownFamily);
      else list.addAddress(own.address, ownFamily);
    }
    return list.check(address, family);
  }
}

type ResolveCallback = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

function resolveAll(host: string, options: LookupOptions, callback: ResolveCallback): void {
  dnsLookup(host, { ...options, all: true }, callback);
}

function listOf(subnets: readonly [string, number][], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of subnets) list.addSubnet(address, prefix, family);
  return list;
}

/** The last 32 bits of an IPv6 address, dotted. */
function embeddedV4(address: string): string {
  const dotted = /:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (dotted !== undefined) return dotted;
  const [head = '', tail = ''] = address.split('::');
  const groups = tail === '' && !address.includes('::') ? head.split(':') : tail === '' ? [] : tail.split(':');
  const [high = '0', low = '0'] = ['0', '0', ...groups].slice(-2);
  const bits = parseInt(high, 16) * 65_536 + parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.');
}

function interfacesNetworks(): OwnNetwork[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ family, address, cidr }) => ({ family, address, prefix: Number(cidr?.split('/')[1] ?? (family === 'IPv4' ? 32 : 128)) }));
}
