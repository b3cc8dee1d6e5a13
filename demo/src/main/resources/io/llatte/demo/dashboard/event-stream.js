// Server-sent events over fetch, which, unlike EventSource, sends a key and a body.

/**
 * @typedef {{event: string, id: string, data: string}} ServerEvent
 * @param {Response} response
 * @returns {AsyncGenerator<ServerEvent>}
 */
export async function* readEvents(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let current = { event: '', id: '', data: [] };
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) {
        return;
      }
      text += value;
      const lines = text.split(/\r?\n/);
      text = lines.pop();
      for (const line of lines) {
        if (line === '') {
          if (current.data.length > 0) {
            yield { event: current.event || 'message', id: current.id, data: current.data.join('\n') };
          }
          current = { event: '', id: '', data: [] };
        } else if (!line.startsWith(':')) {
          const colon = line.indexOf(':');
          const field = colon < 0 ? line : line.slice(0, colon);
          const content = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
          if (field === 'data') {
            current.data.push(content);
          } else if (field === 'event' || field === 'id') {
            current[field] = content;
          }
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
