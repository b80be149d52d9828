/** One kept-alive connection, one request at a time: times are from sending to the last byte of the answer. */
import { Agent, request } from 'node:http';

const TIMEOUT_MS = 120_000;

export class HttpClient {
  constructor(port) {
    this.port = port;
    this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
  }

  /** The body as text. @throws Error for anything but a 2xx */
  send(method, path, body) {
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: this.port, agent: this.agent, method, path, timeout: TIMEOUT_MS }, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (answer.statusCode >= 200 && answer.statusCode < 300) resolve(text);
          else reject(new Error(`${method} ${path} was answered ${String(answer.statusCode)}: ${text.slice(0, 500)}`));
        });
      });
      sent.on('timeout', () => sent.destroy(new Error(`${path} took longer than ${TIMEOUT_MS} ms`)));
      sent.on('error', reject);
      sent.end(body);
    });
  }

  get(path) {
    return this.send('GET', path);
  }

  close() {
    this.agent.destroy();
  }
}
