import type { RequestHandler } from 'express';
import { upstreamProxy } from './upstream-proxy.js';

export interface ProxySettings {
  readonly loggingUrl: string;
  readonly computeUrl: string;
  readonly cloudRunUrl: string;
  readonly ipifyUrl: string;
  readonly timeoutMs: number;
}

/** The Google Cloud APIs the console reaches through us, and where they are mounted. */
export function googleProxies(settings: ProxySettings): { readonly path: string; readonly handler: RequestHandler }[] {
  return [
    { path: '/api/logging', handler: upstreamProxy('the logging API', settings.loggingUrl, settings.timeoutMs) },
    { path: '/api/compute', handler: upstreamProxy('the compute API', settings.computeUrl, settings.timeoutMs) },
    { path: '/api/cloudrun', handler: upstreamProxy('the Cloud Run API', settings.cloudRunUrl, settings.timeoutMs) },
  ];
}
