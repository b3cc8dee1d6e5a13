// Loads, switches and fallbacks, the newest first.

import { el } from './elements.js';
import { clock } from './format.js';

const KEPT = 100;

/** @param {HTMLElement} list @param {{time: number, kind: string, model: string|null, text: string, level: string}} entry */
export function addToTimeline(list, entry) {
  list.prepend(el('li', { data: { kind: entry.kind, level: entry.level } },
    el('time', { datetime: new Date(entry.time).toISOString() }, clock(entry.time)),
    el('span', {}, el('b', {}, entry.kind.replace('-', ' ')), entry.model ? ` ${entry.model}` : '', `: ${entry.text}`)));
  while (list.childElementCount > KEPT) {
    list.lastChild.remove();
  }
}
