// A Llatte server, as the widget and the dashboard talk to it.

import { readEvents } from './event-stream.js';

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;

/** What a server refused, in its own words. */
export class LlatteError extends Error {
  constructor(status, error) {
    super(error?.message ?? `the server answered with ${status}`);
    this.name = 'LlatteError';
    this.status = status;
    this.code = error?.code ?? null;
    this.remediation = error?.remediation ?? null;
    this.details = error ?? {};
  }
}

/**
 * @param {{baseUrl?: string, apiKey?: () => string}} options where the server is, and what it has to be told
 */
export function createLlatteApi({ baseUrl = '', apiKey = () => '' } = {}) {

  async function request(path, init = {}) {
    const headers = { ...init.headers };
    const key = apiKey();
    if (key) {
      headers.Authorization = `Bearer ${key}`;
    }
    if (init.body !== undefined) {
      headers['Content-Type'] = 'application/json';
    }
    const response = await fetch(baseUrl + path, { ...init, headers });
    if (!response.ok) {
      const body = await response.json().catch(() => ({}));
      throw new LlatteError(response.status, body.error);
    }
    return response;
  }

  const get = async (path) => (await request(path)).json();
  const post = async (path, body = {}, signal = undefined) => (await request(path, { method: 'POST', body: JSON.stringify(body), signal })).json();

  /**
   * Follows the server's events until it is told to end. While there is no connection it tries again, less and less often.
   *
   * @param {(status: object) => void} onStatus
   * @param {(failure: Error) => void} onDown is called each time the connection is lost or cannot be made
   * @param {(entry: object) => void} onTimeline
   */
  function subscribe(onStatus, onDown = () => {}, onTimeline = () => {}) {
    const ending = new AbortController();
    let last = 0;
    let pause = FIRST_PAUSE;
    (async () => {
      while (!ending.signal.aborted) {
        try {
          const response = await request(`/api/events?after=${last}`, { signal: ending.signal });
          for await (const { event, id, data } of readEvents(response)) {
            pause = FIRST_PAUSE;
            if (event === 'status') {
              onStatus(JSON.parse(data));
            } else if (event === 'timeline') {
              last = Number(id);
              onTimeline(JSON.parse(data));
            }
          }
          throw new Error('the server ended the stream');
        } catch (failure) {
          if (ending.signal.aborted) {
            return;
          }
          onDown(failure);
          if (failure.status === 401) {
            return;
          }
          // A server that was started anew counts its events from 1.
          last = 0;
          await new Promise((resolve) => setTimeout(resolve, pause));
          pause = Math.min(LONGEST_PAUSE, pause * 2);
        }
      }
    })();
    return () => ending.abort();
  }

  return {
    request,
    subscribe,
    status: () => get('/api/status'),
    models: async () => (await get('/api/models')).models,
    plan: (model) => get(`/api/plan?model=${encodeURIComponent(model)}`),
    load: (model) => post('/api/init', model ? { model } : {}),
    switchTo: (model) => post('/api/switch', { model }),
    unload: () => post('/api/unload'),
    cancel: () => post('/api/cancel'),
  };
}
