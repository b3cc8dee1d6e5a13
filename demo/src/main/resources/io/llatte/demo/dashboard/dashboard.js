// The page: brings the server's status to its parts.

import './local-llm-widget.js';
import { ChatPanel } from './chat-panel.js';
import { showPlacement, showSlots, showStatistics, stageText } from './details.js';
import { byId } from './elements.js';
import { createLlatteApi } from './llatte-api.js';
import { showMemory } from './memory-bar.js';
import { ModelList } from './model-list.js';
import { addToTimeline } from './timeline.js';

const KEY = 'llatte.key';
const THEME = 'llatte.theme';

const api = createLlatteApi({ apiKey: () => sessionStorage.getItem(KEY) ?? '' });
const widget = byId('widget');
const chat = new ChatPanel(api);
const models = new ModelList(byId('models'), api, show);
let shownModel = null;
let failedModel = null;

/** One stream of events serves the widget and the page. */
const moduleApi = {
  status: async () => show(await api.status()),
  load: (model) => api.load(model),
  unload: () => api.unload(),
  subscribe: (onStatus, onDown) => {
    byId('timeline').replaceChildren();
    return api.subscribe((status) => onStatus(show(status)), (failure) => {
      if (failure.status === 401) {
        askForKey();
      }
      onDown(failure);
    }, (entry) => addToTimeline(byId('timeline'), entry));
  },
};

function show(status) {
  byId('reason').textContent = status.error ? '' : status.reason;
  byId('loading').hidden = status.progress >= 1 && status.stage === null;
  byId('progress').value = status.progress;
  byId('progress-text').textContent = stageText(status);
  byId('error').hidden = status.error === null;
  if (status.error) {
    failedModel = status.error.model;
    byId('error-message').textContent = status.error.message;
    byId('error-remediation').textContent = status.error.remediation;
  }
  showMemory(byId('memory'), status.memory, status.memoryWarningShare);
  showStatistics(byId('statistics'), status);
  showSlots(byId('kv'), byId('slots'), status);
  showPlacement(byId('placement'), status.placement);
  chat.allow(status.capabilities);
  const loaded = `${status.model}/${status.state === 'loading'}`;
  if (loaded !== shownModel) {
    shownModel = loaded;
    models.refresh().catch(() => {});
  }
  return status;
}

byId('cancel-load').addEventListener('click', () => api.cancel().then(show));
byId('retry').addEventListener('click', () => api.load(failedModel).then(show, (failure) => {
  byId('error-message').textContent = failure.message;
}));

function askForKey() {
  const dialog = byId('key-dialog');
  if (!dialog.open) {
    byId('key-wrong').textContent = sessionStorage.getItem(KEY) ? 'That key is wrong.' : '';
    dialog.showModal();
  }
}

byId('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, byId('key').value);
  byId('key').value = '';
  byId('key-dialog').close();
  begin();
});

byId('theme').addEventListener('click', () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === 'dark'
    || (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches);
  setTheme(dark ? 'light' : 'dark');
});

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem(THEME, theme);
}

async function begin() {
  // Setting it, also again, makes the widget connect.
  widget.moduleApi = moduleApi;
  try {
    const runtime = await (await api.request('/api/runtime')).json();
    byId('machine').textContent = [`llama.cpp ${runtime.llamaCpp ?? 'unavailable'}`, ...runtime.devices.map((device) => device.description)].join(' · ');
  } catch (failure) {
    if (failure.status === 401) {
      askForKey();
    }
  }
}

if (localStorage.getItem(THEME)) {
  setTheme(localStorage.getItem(THEME));
}
begin();
