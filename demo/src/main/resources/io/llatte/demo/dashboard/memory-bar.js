// Each device's memory as one bar whose parts add up to all of it.

import { el } from './elements.js';
import { bytes, percent } from './format.js';

const PARTS = [
  ['weights', 'Weights', 'weightsBytes'],
  ['kvCacheUsed', 'KV cache, used', 'kvCacheUsedBytes'],
  ['kvCacheReserved', 'KV cache, reserved', 'kvCacheReservedBytes'],
  ['compute', 'Compute', 'computeBytes'],
  ['unaccounted', 'Unaccounted', 'unaccountedBytes'],
  ['otherProcesses', 'Other processes', 'otherProcessesBytes'],
  ['free', 'Free', 'freeBytes'],
];

/**
 * @param {HTMLElement} box
 * @param {object[]} devices a status's `memory`
 * @param {number} warningShare the used part from which a device is near its limit
 */
export function showMemory(box, devices, warningShare) {
  const shown = JSON.stringify([devices, warningShare]);
  if (box.dataset.shown === shown) {
    return;
  }
  box.dataset.shown = shown;
  box.replaceChildren(...devices.map((device) => deviceBar(device, warningShare)));
}

function deviceBar(device, warningShare) {
  const parts = PARTS.filter(([, , field]) => device[field] !== null)
    .map(([kind, title, field]) => ({ kind, title: nameOf(kind, title, device), bytes: device[field] }));
  const used = device.totalBytes - device.freeBytes;
  const bar = el('div', { class: 'bar', role: 'img',
    'aria-label': `${device.device}: ${parts.map((part) => `${part.title} ${bytes(part.bytes)}`).join(', ')}` });
  for (const part of parts) {
    const segment = el('span', { data: { kind: part.kind, bytes: part.bytes }, title: `${part.title}: ${bytes(part.bytes)}` });
    segment.style.width = `${(100 * part.bytes) / device.totalBytes}%`;
    bar.append(segment);
  }
  bar.append(mark('limit', warningShare, `Near its limit from ${percent(warningShare)} on`));
  if (device.budgetBytes !== null) {
    bar.append(mark('budget', device.budgetBytes / device.totalBytes, `Budget: ${bytes(device.budgetBytes)}`));
  }
  return el('div', { class: 'device', data: { device: device.device } },
    el('div', { class: 'device-title' }, el('span', {}, `${device.device} · ${device.description}`),
      el('span', {}, `${bytes(used)} of ${bytes(device.totalBytes)}`)),
    bar,
    el('ul', { class: 'legend' }, ...parts.filter((part) => part.bytes > 0)
      .map((part) => el('li', {}, el('i', { data: { kind: part.kind } }), `${part.title} ${bytes(part.bytes)}`)),
    device.budgetBytes === null ? null : el('li', {}, `Budget ${bytes(device.budgetBytes)}`)),
    device.warning ? el('p', { class: 'near' }, `Near its limit: ${percent(used / device.totalBytes)} are used.`) : null);
}

/** Where the driver does not tell ours from theirs, one part is both. */
function nameOf(kind, title, device) {
  return kind === 'unaccounted' && device.otherProcessesBytes === null ? 'Unaccounted and other processes' : title;
}

function mark(name, share, title) {
  const line = el('span', { class: 'mark', data: { mark: name }, title });
  line.style.insetInlineStart = `${Math.min(99.7, 100 * share)}%`;
  return line;
}
