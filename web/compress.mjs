/**
 * Puts a Brotli and a gzip copy beside each file of the built console that gains by it: the server sends them as they are. Ends
 * with the size of what a browser loads first.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const COMPRESSIBLE = /\.(?:js|css|html|svg|json|webmanifest|txt)$/;
const MIN_BYTES = 1_024;

const folder = join(dirname(fileURLToPath(import.meta.url)), 'dist/browser');
for (const entry of readdirSync(folder, { recursive: true })) {
  const file = join(folder, String(entry));
  if (!COMPRESSIBLE.test(file)) continue;
  const bytes = readFileSync(file);
  if (bytes.length < MIN_BYTES) continue;
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }));
}

const html = readFileSync(join(folder, 'index.html'), 'utf8');
const scripts = new Set([...html.matchAll(/(?:src|href)="([^"]+\.js)"/g)].map(([, name]) => name));
let gzipped = 0;
for (const name of scripts) gzipped += gzipSync(readFileSync(join(folder, name))).length;
console.log(`The console's first scripts: ${(gzipped / 1_000).toFixed(1)} kB gzipped.`);
