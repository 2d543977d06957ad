/** One request to a door, with a connection of its own. */
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:http';

export interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export function fetchFrom(
  target: { socketPath: string } | { host: string; port: number },
  path: string,
  sent: Sent = {},
): Promise<{ status: number; text: string; headers: IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { ...target, path, method: sent.method ?? 'GET', headers: sent.headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
        response.on('error', reject);
      },
    );
    asked.on('error', reject);
    asked.end(sent.body);
  });
}
