/** True for addresses and names that only this machine has: `localhost`, 127.x.x.x, ::1 (with or without brackets). */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare);
}
