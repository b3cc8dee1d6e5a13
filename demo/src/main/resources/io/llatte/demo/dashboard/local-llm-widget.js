// <local-llm-widget>: what a local model does, in any page. Needs nothing but this module.
//
//   import './local-llm-widget.js';
//   document.querySelector('local-llm-widget').moduleApi = {
//     status: () => Promise<Status>, load: (model?) => Promise, unload: () => Promise,
//     subscribe: (onStatus, onDown) => unsubscribe      // optional; without it the widget asks again and again
//   };

const TAG = 'local-llm-widget';

/** How often a widget without a stream asks. */
const LOADING_POLL = 500;
const IDLE_POLL = 5000;

const STYLE = `
  :host { display: block; font: 14px/1.45 system-ui, sans-serif; color: var(--llatte-text, CanvasText); }
  :host([hidden]) { display: none; }
  .row { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .75rem; }
  .badge { display: inline-flex; align-items: center; gap: .4rem; padding: .1rem .6rem; border-radius: 1rem; font-weight: 600; border: 1px solid currentColor; }
  .badge::before { content: ''; width: .55rem; height: .55rem; border-radius: 50%; background: currentColor; }
  .badge[data-state=disabled] { color: var(--llatte-muted, color-mix(in srgb, CanvasText 70%, Canvas)); }
  .badge[data-state=loading] { color: var(--llatte-busy, #8a5a00); }
  .badge[data-state=active] { color: var(--llatte-active, #0b6bcb); }
  .badge[data-state=idle] { color: var(--llatte-good, #1a7f37); }
  .badge[data-state=error] { color: var(--llatte-bad, #b3261e); }
  .primary { font-weight: 600; overflow-wrap: anywhere; }
  .secondary { color: var(--llatte-muted, color-mix(in srgb, CanvasText 70%, Canvas)); font-variant-numeric: tabular-nums; }
  .controls { margin-inline-start: auto; display: flex; gap: .5rem; }
  button { font: inherit; padding: .35rem .8rem; border-radius: .45rem; border: 1px solid var(--llatte-line, GrayText); background: var(--llatte-raised, ButtonFace);
    color: inherit; cursor: pointer; }
  button:hover { border-color: currentColor; }
  button:focus-visible { outline: 2px solid var(--llatte-focus, Highlight); outline-offset: 2px; }
  .message { margin: .4rem 0 0; color: var(--llatte-muted, color-mix(in srgb, CanvasText 70%, Canvas)); overflow-wrap: anywhere; }
  .message[data-error] { color: var(--llatte-bad, #b3261e); }
  .toast { position: fixed; inset-block-end: 1rem; inset-inline: 1rem; margin-inline: auto; max-width: 34rem; padding: .8rem 1rem; border-radius: .6rem; z-index: 10;
    background: var(--llatte-bad, #b3261e); color: var(--llatte-on-bad, #fff); box-shadow: 0 4px 18px rgb(0 0 0 / .3); display: flex; gap: 1rem; align-items: start; }
  .toast p { margin: 0; flex: 1; overflow-wrap: anywhere; }
  .toast strong { display: block; }
  .toast button { background: transparent; border-color: currentColor; }
`;

/** What a widget knows before it was told anything. */
const UNKNOWN = { state: 'disabled', model: null, progress: 1, memory: [], lastActivity: null, error: null };

/** The used share of the fullest device that holds something of the model: a GPU where one does, else the memory of the machine. */
function usedMemory(memory) {
  const share = (device) => (device.totalBytes > 0 ? 1 - device.freeBytes / device.totalBytes : 0);
  const holds = (device) => device.weightsBytes + device.kvCacheUsedBytes + device.kvCacheReservedBytes + device.computeBytes > 0;
  const fullest = (devices) => devices.reduce((most, device) => (most === null || share(device) > share(most) ? device : most), null);
  const gpu = fullest(memory.filter((device) => device.type !== 'CPU' && holds(device)));
  const device = gpu ?? fullest(memory.filter((each) => each.type === 'CPU'));
  return device === null ? null : `${gpu ? 'GPU' : 'CPU'}: ${Math.round(share(device) * 100)}%`;
}

class LocalLlmWidget extends HTMLElement {

  #api = null;
  #status = UNKNOWN;
  #shown = null;
  #timer = 0;
  #unsubscribe = null;
  #streams = false;
  #toast = null;
  #asking = 0;
  #onVisibility = () => this.#arm();

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    const style = document.createElement('style');
    // A page's policy may forbid style elements; sheets that are made by a script are none.
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    } catch {
      style.textContent = STYLE;
      root.append(style);
    }
    const row = document.createElement('div');
    row.className = 'row';
    row.append(part('span', 'badge'), part('span', 'primary'), part('span', 'secondary'), part('span', 'controls'));
    const message = part('p', 'message');
    message.setAttribute('role', 'status');
    root.append(row, message);
  }

  /** What the widget asks; see the head of this file. */
  get moduleApi() {
    return this.#api;
  }

  set moduleApi(api) {
    this.#api = api;
    this.#status = UNKNOWN;
    this.#shown = null;
    this.#arm();
    this.#render();
  }

  /** @returns {{state: string, primaryMetric: string, secondaryMetric: string|null, lastActivity: number|null, message: string|null}} */
  getStatus() {
    const { state, model, modelName, progress, memory, lastActivity, error } = this.#status;
    const ready = state === 'idle' || state === 'active';
    return {
      state,
      primaryMetric: ready || (state === 'loading' && model) ? modelName || model : 'Not loaded',
      secondaryMetric: ready ? usedMemory(memory ?? []) : state === 'loading' ? `${Math.round(progress * 100)}% loaded` : '0% loaded',
      lastActivity: lastActivity ?? null,
      message: state === 'error' ? `Error: ${error?.message ?? this.#status.reason ?? 'unknown'}` : state === 'loading' ? 'Loading model...' : null,
    };
  }

  /** What can be done now. */
  getControls() {
    switch (this.#status.state) {
      case 'disabled':
      case 'error':
        return [{ id: 'load', label: '⚡ Load Model', action: () => this.#act((api) => api.load()) }];
      case 'idle':
        return [{ id: 'unload', label: '⛶ Unload Model', action: () => this.#act((api) => api.unload()) }];
      default:
        return [];
    }
  }

  async #act(call) {
    try {
      const status = await call(this.#api);
      if (status?.state) {
        this.#take(status);
      }
    } catch (failure) {
      this.#fail({ message: failure.message, remediation: failure.remediation ?? '' });
    }
    this.#arm();
  }

  connectedCallback() {
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#arm();
    this.#render();
  }

  disconnectedCallback() {
    document.removeEventListener('visibilitychange', this.#onVisibility);
    this.#disarm();
    this.#toast?.remove();
    this.#toast = null;
  }

  // ---- hearing of changes

  #disarm() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#asking++;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#streams = false;
  }

  /** Begins to hear of changes, or ends it, as the widget is shown or not. */
  #arm() {
    this.#disarm();
    if (!this.isConnected || document.hidden || this.#api === null) {
      return;
    }
    if (this.#api.subscribe) {
      this.#unsubscribe = this.#api.subscribe((status) => {
        this.#streams = true;
        clearTimeout(this.#timer);
        this.#timer = 0;
        this.#take(status);
      }, () => {
        // The stream comes back by itself; until then the widget asks.
        if (this.#streams || this.#timer === 0) {
          this.#streams = false;
          this.#pollAfter(0);
        }
      });
    } else {
      this.#pollAfter(0);
    }
  }

  #pollAfter(pause) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#poll(), pause);
  }

  async #poll() {
    const asking = this.#asking;
    try {
      const status = await this.#api.status();
      if (asking === this.#asking) {
        this.#take(status);
      }
    } catch {
      // It is asked again, as rarely as an idle one.
    }
    if (asking === this.#asking && !this.#streams) {
      this.#pollAfter(this.#pause());
    }
  }

  #pause() {
    return this.#status.state === 'loading' ? LOADING_POLL : IDLE_POLL;
  }

  #take(status) {
    const before = this.#status;
    this.#status = { ...UNKNOWN, ...status };
    const { state, model, progress, error } = this.#status;
    if (state === 'loading') {
      if (before.state !== 'loading' || before.model !== model) {
        this.#tell('loading', { model });
      }
      if (before.state !== 'loading' || before.progress !== progress) {
        this.#tell('progress', { model, progress });
      }
    } else if ((state === 'idle' || state === 'active') && (before.model !== model || !['idle', 'active'].includes(before.state))) {
      this.#tell('ready', { model });
    }
    if (error && (before.error?.message !== error.message || before.error?.model !== error.model || (state === 'error' && before.state !== 'error'))) {
      this.#fail(error);
    }
    if (before.state !== state && this.#timer !== 0) {
      this.#pollAfter(this.#pause());
    }
    this.#render();
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(`local-llm:${name}`, { detail, bubbles: true, composed: true }));
  }

  #fail(error) {
    this.#tell('error', error);
    this.#toast?.remove();
    const toast = part('div', 'toast');
    toast.setAttribute('role', 'alert');
    const text = document.createElement('p');
    const what = document.createElement('strong');
    what.textContent = error.message;
    text.append(what, error.remediation ?? '');
    const close = document.createElement('button');
    close.type = 'button';
    close.textContent = 'Close';
    close.addEventListener('click', () => toast.remove());
    toast.append(text, close);
    this.shadowRoot.append(toast);
    this.#toast = toast;
  }

  // ---- showing

  #render() {
    const status = this.getStatus();
    const controls = this.getControls();
    const shown = JSON.stringify([status, controls.map((control) => control.id)]);
    if (shown === this.#shown) {
      return;
    }
    this.#shown = shown;
    const find = (name) => this.shadowRoot.querySelector(`.${name}`);
    find('badge').dataset.state = status.state;
    find('badge').textContent = status.state;
    find('primary').textContent = status.primaryMetric;
    find('secondary').textContent = status.secondaryMetric ?? '';
    find('message').textContent = status.message ?? '';
    find('message').toggleAttribute('data-error', status.state === 'error');
    const box = find('controls');
    const kept = [...box.children].map((button) => button.dataset.control).join();
    if (kept !== controls.map((control) => control.id).join()) {
      box.replaceChildren(...controls.map((control) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.dataset.control = control.id;
        button.textContent = control.label;
        button.addEventListener('click', control.action);
        return button;
      }));
    }
  }
}

function part(tag, name) {
  const element = document.createElement(tag);
  element.className = name;
  element.part = name;
  return element;
}

if (!customElements.get(TAG)) {
  customElements.define(TAG, LocalLlmWidget);
}

export const element = TAG;
export const displayName = 'Local LLM';
export const icon = '🦙';
export const category = 'AI';

export default { element, displayName, icon, category };
