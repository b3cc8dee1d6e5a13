// One streamed chat completion.

import { LlatteError } from './llatte-api.js';
import { readEvents } from './event-stream.js';

/**
 * @param {ReturnType<import('./llatte-api.js').createLlatteApi>} api
 * @param {object} body the request, without `stream`
 * @param {AbortSignal} signal
 * @param {{onText: (text: string) => void, onThought: (text: string) => void}} listener
 * @returns {Promise<{finishReason: string|null, usage: object|null, timings: object|null}>}
 */
export async function complete(api, body, signal, listener) {
  const response = await api.request('/v1/chat/completions', {
    method: 'POST', signal, body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
  });
  const end = { finishReason: null, usage: null, timings: null };
  for await (const { data } of readEvents(response)) {
    if (data === '[DONE]') {
      continue;
    }
    const chunk = JSON.parse(data);
    if (chunk.error) {
      throw new LlatteError(200, chunk.error);
    }
    end.usage = chunk.usage ?? end.usage;
    end.timings = chunk.timings ?? end.timings;
    for (const choice of chunk.choices) {
      end.finishReason = choice.finish_reason ?? end.finishReason;
      if (choice.delta.reasoning_content) {
        listener.onThought(choice.delta.reasoning_content);
      }
      if (choice.delta.content) {
        listener.onText(choice.delta.content);
      }
    }
  }
  return end;
}
