// A conversation with the loaded model.

import { complete } from './chat-client.js';
import { keepHistory, readHistory } from './chat-history.js';
import { byId, el } from './elements.js';
import { number } from './format.js';
import { markdown } from './markdown.js';

const NUMBERS = ['temperature', 'top_p', 'top_k', 'min_p', 'max_tokens', 'seed'];
const MOST_IMAGE_BYTES = 16 << 20;

/** How often an answer that comes is shown anew. */
const FRAME = 60;

export class ChatPanel {

  #api;
  #turns = [];
  #images = [];
  #running = null;

  /** @param {ReturnType<import('./llatte-api.js').createLlatteApi>} api */
  constructor(api) {
    this.#api = api;
    const { turns, settings } = readHistory();
    this.#turns = turns;
    for (const [name, value] of Object.entries(settings)) {
      const input = byId(`chat-${name}`);
      if (input) {
        input.value = value;
      }
    }
    this.#showAll();
    byId('chat-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
    byId('chat-input').addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#send();
      }
    });
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#running) {
        this.#running.abort();
      }
    });
    byId('chat-stop').addEventListener('click', () => this.#running?.abort());
    byId('chat-regenerate').addEventListener('click', () => this.#regenerate());
    byId('chat-new').addEventListener('click', () => this.#clear());
    byId('chat-file').addEventListener('change', (event) => this.#attach(event.target));
    for (const name of ['system', ...NUMBERS]) {
      byId(`chat-${name}`).addEventListener('change', () => this.#keep());
    }
  }

  /** What the loaded model can do. */
  allow(capabilities) {
    byId('chat-attach').hidden = !capabilities?.image;
  }

  // ---- settings and history

  #settings() {
    return Object.fromEntries(['system', ...NUMBERS].map((name) => [name, byId(`chat-${name}`).value]));
  }

  #keep() {
    keepHistory(this.#turns, this.#settings());
  }

  #clear() {
    this.#running?.abort();
    this.#turns = [];
    this.#keep();
    this.#showAll();
    byId('chat-figures').textContent = '';
    byId('chat-input').focus();
  }

  // ---- pictures

  async #attach(input) {
    for (const file of input.files) {
      if (file.size > MOST_IMAGE_BYTES) {
        byId('chat-said').textContent = `${file.name} is larger than 16 MiB`;
        continue;
      }
      this.#images.push(await new Promise((resolve, reject) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader.onerror = () => reject(reader.error);
        reader.readAsDataURL(file);
      }));
    }
    input.value = '';
    this.#showImages();
  }

  #showImages() {
    byId('chat-images').replaceChildren(...this.#images.map((url, index) => el('figure', {}, el('img', { src: url, alt: `Attached picture ${index + 1}` }),
      el('button', { type: 'button', 'aria-label': `Remove picture ${index + 1}`, onclick: () => {
        this.#images.splice(index, 1);
        this.#showImages();
      } }, '×'))));
  }

  // ---- asking

  #send() {
    const input = byId('chat-input');
    const text = input.value.trim();
    if (this.#running || (!text && this.#images.length === 0)) {
      return;
    }
    this.#turns.push({ role: 'user', text, ...(this.#images.length > 0 ? { images: this.#images } : {}) });
    this.#images = [];
    input.value = '';
    this.#showImages();
    this.#answer();
  }

  #regenerate() {
    if (this.#running) {
      return;
    }
    while (this.#turns.at(-1)?.role === 'assistant') {
      this.#turns.pop();
    }
    if (this.#turns.length > 0) {
      this.#answer();
    }
  }

  #body() {
    const messages = this.#turns.filter((turn) => turn.text || turn.images).map((turn) => ({
      role: turn.role,
      content: turn.images ? [...turn.images.map((url) => ({ type: 'image_url', image_url: { url } })), { type: 'text', text: turn.text }] : turn.text,
    }));
    const system = byId('chat-system').value.trim();
    const body = { messages: system ? [{ role: 'system', content: system }, ...messages] : messages };
    for (const name of NUMBERS) {
      const value = byId(`chat-${name}`).valueAsNumber;
      if (!Number.isNaN(value)) {
        body[name] = value;
      }
    }
    return body;
  }

  async #answer() {
    const body = this.#body();
    const turn = { role: 'assistant', text: '' };
    this.#turns.push(turn);
    this.#showAll();
    this.#running = new AbortController();
    this.#showRunning(true);
    let timer = 0;
    const changed = () => {
      timer ||= setTimeout(() => {
        timer = 0;
        this.#showLast();
      }, FRAME);
    };
    try {
      const end = await complete(this.#api, body, this.#running.signal, {
        onText: (text) => {
          turn.text += text;
          changed();
        },
        onThought: (text) => {
          turn.thought = (turn.thought ?? '') + text;
          changed();
        },
      });
      byId('chat-figures').textContent = figures(end);
      byId('chat-said').textContent = turn.text;
    } catch (failure) {
      if (!this.#running.signal.aborted) {
        turn.failed = [failure.message, failure.remediation].filter(Boolean).join(' ');
        byId('chat-said').textContent = turn.failed;
      }
    } finally {
      clearTimeout(timer);
      this.#running = null;
      this.#showRunning(false);
      this.#keep();
      this.#showLast();
    }
  }

  // ---- showing

  #showRunning(running) {
    byId('chat-stop').hidden = !running;
    byId('chat-send').hidden = running;
    byId('chat-regenerate').disabled = running || !this.#turns.some((turn) => turn.role === 'user');
  }

  #showAll() {
    byId('chat-log').replaceChildren(...this.#turns.map((turn) => element(turn)));
    byId('chat-regenerate').disabled = !this.#turns.some((turn) => turn.role === 'user');
    this.#scroll(true);
  }

  #showLast() {
    const log = byId('chat-log');
    if (this.#turns.length === 0 || !log.lastChild) {
      return;
    }
    const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    log.lastChild.replaceWith(element(this.#turns.at(-1)));
    this.#scroll(follows);
  }

  #scroll(follows) {
    const log = byId('chat-log');
    if (follows) {
      log.scrollTop = log.scrollHeight;
    }
  }
}

function element(turn) {
  const said = el('div', { class: 'said' });
  if (turn.role === 'user') {
    said.append(...(turn.images ?? []).map((url, index) => el('img', { src: url, alt: `Picture ${index + 1}` })), turn.text);
  } else {
    said.append(markdown(turn.text));
  }
  return el('div', { class: 'turn', data: { role: turn.role } }, el('h3', {}, turn.role === 'user' ? 'You' : 'Model'),
    turn.thought ? el('details', {}, el('summary', {}, 'Thoughts'), el('div', { class: 'thought' }, turn.thought)) : null,
    said, turn.failed ? el('p', { class: 'failed' }, turn.failed) : null);
}

function figures({ usage, timings, finishReason }) {
  return [
    usage ? `${usage.completion_tokens} tokens` : null,
    timings ? `${number(timings.predicted_per_second)} tokens/s` : null,
    timings ? `first after ${number(timings.ttft_ms, 0)} ms` : null,
    finishReason === 'length' ? 'cut off at the limit' : null,
  ].filter(Boolean).join(' · ');
}
